using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Runtime;

/// <summary>
/// Measures what rows cost on a stage that has just been loaded: the step of one candidate and that of as many as it
/// takes, heads included. The pool weighs a draft's chance against it. Runs on the stage's thread.
/// </summary>
/// <param name="runtime">The stage; no session is open on it.</param>
/// <param name="clock">Time.</param>
internal sealed class RowCostProbe(IStageRuntime runtime, TimeProvider clock)
{
    private const int WarmUps = 2;
    private const int Repetitions = 6;
    private const int Length = 16;

    /// <summary>Rows of the wide step: those that a session that leaves its width open may have.</summary>
    private const int Most = 8;
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(400);
    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(0), 0);
    private readonly List<DraftedToken> _drafts = [];
    private readonly byte[] _hiddenOut = new byte[
        runtime.Description.MaxRows * runtime.Description.HiddenSize * sizeof(float)
    ];
    private int _next;
    private int _promptRows;

    /// <summary>Measures.</summary>
    public RowCosts Measure()
    {
        var description = runtime.Description;
        var width = Math.Min(Math.Min(Most, description.MaxWidth), description.MaxRows);
        var capacity = (int)Math.Min(description.MaxLength, (long)description.PageCount * description.PageSize);
        var length = Math.Min(Length, capacity - width);
        if (width < 2 || length < 1)
        {
            // Nothing to compare, or a KV cache that holds no wide step beside a prompt.
            return default;
        }

        runtime.Open(
            _session,
            new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = width,
                ReservedLength = Math.Min(capacity, length + 2 * width),
                PromptLength = length,
            }
        );
        try
        {
            Step(Math.Min(length, description.MaxRows), isPrompt: true);
            var started = clock.GetTimestamp();
            var (one, wide) = (double.PositiveInfinity, double.PositiveInfinity);
            for (var i = -WarmUps; i < Repetitions && (i < 1 || clock.GetElapsedTime(started) < _patience); i++)
            {
                // The fastest of each counts: other programs only make a step slower. The first ones compile.
                var (ofOne, ofMany) = (Step(1, isPrompt: false), Step(width, isPrompt: false));
                if (i >= 0)
                {
                    (one, wide) = (Math.Min(one, ofOne), Math.Min(wide, ofMany));
                }
            }

            return new RowCosts(one, Math.Max(0, wide - one) / (width - 1));
        }
        finally
        {
            runtime.Release(_session);
        }
    }

    /// <summary>Milliseconds of a step of candidates that follow one another; they are taken back after it.</summary>
    private double Step(int rows, bool isPrompt)
    {
        var description = runtime.Description;
        var path = isPrompt ? VerifiedPath.Empty : new VerifiedPath(new CandidateId(_promptRows - 1), _promptRows);
        var hidden = description.FirstLayer == 0 ? [] : new byte[rows * description.HiddenSize * sizeof(float)];
        var started = clock.GetTimestamp();
        runtime.Rollback(_session, path);
        runtime.BeginStep();
        runtime.TryAppend(
            new BatchPart
            {
                Session = _session,
                Run = new RunId(0),
                Base = path,
                Candidates = [.. Enumerable.Range(_next, rows).Select(id => new CandidateId(id))],
                Tokens = [.. Enumerable.Range(0, rows).Select(id => new TokenId(id % description.VocabSize))],
                Parents =
                [
                    .. Enumerable.Range(0, rows).Select(row => row == 0 ? path.Head : new CandidateId(_next + row - 1)),
                ],
                CertainCount = isPrompt ? rows : 0,
                FirstHeadRow = isPrompt ? rows : 0,
            }
        );
        var request =
            description.HasExitHead && (!description.HasTargetHead || description.DraftDepth > 1)
                ? new DraftRequest(isPrompt ? rows : 0, description.StandardDepth)
                : (DraftRequest?)null;
        runtime.Forward(hidden, static () => false, request);
        if (!description.HasTargetHead)
        {
            runtime.ReadHidden(_hiddenOut.AsSpan(0, rows * description.HiddenSize * sizeof(float)));
        }

        if (request is { } drafts)
        {
            runtime.RunExitHead(drafts);
            _drafts.Clear();
            for (var row = drafts.FirstRow; row < rows; row++)
            {
                runtime.Draft(row, new CandidateId(_next + row), width: 2, _drafts);
            }
        }

        if (description.HasTargetHead && !isPrompt)
        {
            runtime.Verify(0);
        }

        if (isPrompt)
        {
            _promptRows = rows;
        }

        _next += rows;
        return clock.GetElapsedTime(started).TotalMilliseconds;
    }
}
