using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Rivals;

/// <summary>Counts a text's blocks for its figures.</summary>
/// <param name="promptTokens">Tokens of the prompt.</param>
internal sealed class BlockFigures(TimeProvider clock, int promptTokens)
{
    private readonly long _begun = clock.GetTimestamp();
    private readonly List<int> _runs = [];
    private long _first;
    private long _last;
    private int _blocks;
    private int _drafted;
    private int _accepted;
    private int _rejections;
    private int _run;

    /// <summary>Tokens of the text so far.</summary>
    public int Tokens { get; private set; }

    /// <summary>Records the first token.</summary>
    public void NoteFirst()
    {
        _first = _last = clock.GetTimestamp();
        Tokens = 1;
    }

    /// <summary>Records a block, of which <paramref name="told"/> tokens are part of the text.</summary>
    public void Note(Block block, int told)
    {
        _last = clock.GetTimestamp();
        Tokens += told;
        _blocks++;
        _drafted += block.Drafted;
        _accepted += block.Accepted;
        _run += block.Accepted;
        if (block.Accepted < block.Drafted)
        {
            _rejections++;
            EndRun();
        }
    }

    /// <summary>
    /// The text's figures. Drafts behind a rejected one count as cancelled, so that acceptance is the same conditional rate as
    /// a pipeline's; a cycle is a block.
    /// </summary>
    public SessionStats Stats(bool drafts, int stageCount)
    {
        EndRun();
        var decodeMs = clock.GetElapsedTime(_first, _last).TotalMilliseconds;
        return new SessionStats
        {
            Drafts = drafts ? DraftSources.ExitHead : DraftSources.None,
            StageCount = stageCount,
            PromptTokens = promptTokens,
            GeneratedTokens = Tokens,
            VerifiedDrafts = _accepted + _rejections,
            AcceptedDrafts = _accepted,
            CancelledDrafts = _drafted - _accepted - _rejections,
            Rollbacks = _rejections,
            Restarts = 0,
            TimeToFirstTokenMs = clock.GetElapsedTime(_begun, _first).TotalMilliseconds,
            DecodeMs = decodeMs,
            MeanCycleMs = _blocks > 1 ? decodeMs / _blocks : 0,
            AcceptanceHistogram = drafts ? Histogram() : [],
        };
    }

    private void EndRun()
    {
        _runs.Add(_run);
        _run = 0;
    }

    private int[] Histogram()
    {
        var counts = new int[_runs.Max() + 1];
        foreach (var run in _runs)
        {
            counts[run]++;
        }

        return counts;
    }
}
