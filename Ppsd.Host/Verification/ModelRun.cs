using System.Runtime.InteropServices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Verification;

/// <summary>Runs sequences of verified tokens through stage models by hand, without actors.</summary>
/// <param name="stages">Stages that hold the whole model between them.</param>
/// <param name="finite">Looks at all hidden states and logits.</param>
internal sealed class ModelRun(IReadOnlyList<StageModel> stages, FiniteNumbers? finite = null) : IDisposable
{
    private readonly Dictionary<long, int> _lengths = [];

    /// <summary>Opens a sequence; greedy by default.</summary>
    public void Open(long sequence, int capacity, SamplingParameters? sampling = null)
    {
        foreach (var stage in stages)
        {
            stage.Open(sequence, capacity, promptLength: 0, sampling ?? new SamplingParameters());
        }

        _lengths.Add(sequence, 0);
    }

    /// <summary>Closes a sequence.</summary>
    public void Close(long sequence)
    {
        foreach (var stage in stages)
        {
            stage.Release(sequence);
        }

        _lengths.Remove(sequence);
    }

    /// <summary>Most rows of a step that get logits.</summary>
    public int MaxWidth => stages[^1].MaxWidth;

    /// <summary>Steps that the last stage's exit head drafts ahead.</summary>
    public int DraftDepth => stages[^1].DraftDepth;

    /// <summary>Feeds tokens that an exit head takes into its caches and drafts nothing from.</summary>
    public void FeedAll(long sequence, ReadOnlySpan<int> tokens, int depth, int chunk = 16)
    {
        for (var start = 0; start < tokens.Length; start += chunk)
        {
            var rows = new List<(long, int)>();
            foreach (var token in tokens.Slice(start, Math.Min(chunk, tokens.Length - start)))
            {
                rows.Add((sequence, token));
            }

            Step(rows, headRows: 0);
            stages[^1].RunExitHead(rows.Count, depth);
        }
    }

    /// <summary>Feeds rows as one step.</summary>
    /// <param name="rows">Sequence and token of each row.</param>
    /// <param name="headRows">Number of last rows that get logits.</param>
    /// <returns>Logits of those rows, [vocabSize] each.</returns>
    public float[][] Step(IReadOnlyList<(long Sequence, int Token)> rows, int headRows)
    {
        var hidden = Array.Empty<byte>();
        foreach (var stage in stages)
        {
            var next = new Dictionary<long, int>(_lengths);
            stage.BeginStep();
            foreach (var (sequence, token) in rows)
            {
                var id = next[sequence]++;
                if (!stage.TryAppend(sequence, id, id - 1, token, isCertain: true))
                {
                    throw new InvalidOperationException($"sequence {sequence} refused its token {id}");
                }
            }

            stage.Forward(hidden, static () => false);
            hidden = new byte[rows.Count * stage.HiddenBytesPerRow];
            stage.ReadHidden(hidden);
        }

        foreach (var (sequence, _) in rows)
        {
            _lengths[sequence]++;
        }

        LastHidden = MemoryMarshal.Cast<byte, float>(hidden).ToArray();
        finite?.Look("hidden states", LastHidden);
        if (headRows == 0 || !stages[^1].HasTargetHead)
        {
            return [];
        }

        var first = rows.Count - headRows;
        stages[^1].RunTargetHead(first);
        LastVerdicts = [.. Enumerable.Range(first, headRows).Select(stages[^1].Verdict)];
        float[][] logits = [.. Enumerable.Range(first, headRows).Select(row => stages[^1].TargetLogits(row).ToArray())];
        foreach (var row in logits)
        {
            finite?.Look("logits", row);
        }

        LookAtDrafts(first);
        return logits;
    }

    /// <summary>The target's tokens after the rows of the last step that got logits.</summary>
    public int[] LastVerdicts { get; private set; } = [];

    /// <summary>Hidden states after the last stage's layers of the last step, [rows, hiddenSize].</summary>
    public float[] LastHidden { get; private set; } = [];

    /// <summary>
    /// Logits of a chain head's steps behind the last row fed, on tokens that are given: [depth][vocabSize], with one token
    /// fewer.
    /// </summary>
    public float[][] ChainLogits(ReadOnlySpan<int> given)
    {
        var stage = stages[^1];
        var row = stage.RowCount - 1;
        stage.RunChain(row, given.Length + 1, given);
        return [.. Enumerable.Range(0, given.Length + 1).Select(step => DraftLogits(row, step))];
    }

    /// <summary>
    /// Drafts of the exit head after the rows of the last step, with the logits they were drawn from.
    /// </summary>
    /// <param name="depth">Steps ahead.</param>
    /// <returns>[rows][depth].</returns>
    public (int Token, float[] Logits)[][] Drafts(int depth)
    {
        var stage = stages[^1];
        stage.RunExitHead(0, depth);
        var drafts = new (int, float[])[stage.RowCount][];
        Span<DraftToken> best = stackalloc DraftToken[2];
        for (var row = 0; row < drafts.Length; row++)
        {
            drafts[row] = new (int, float[])[depth];
            for (var step = 0; step < depth; step++)
            {
                var count = stage.Draft(row, best, step);
                drafts[row][step] = (count > 0 ? best[0].Token : TokenSampler.NoToken, DraftLogits(row, step));
            }
        }

        return drafts;
    }

    private float[] DraftLogits(int row, int step)
    {
        var logits = stages[^1].DraftLogits(row, step).ToArray();
        finite?.Look("draft logits", logits);
        return logits;
    }

    /// <summary>Feeds a sequence's tokens in chunks; logits of the last rows of the last chunk.</summary>
    public float[][] Feed(long sequence, ReadOnlySpan<int> tokens, int chunk, int headRows = 1)
    {
        float[][] logits = [];
        for (var start = 0; start < tokens.Length; start += chunk)
        {
            var rows = new List<(long, int)>();
            foreach (var token in tokens.Slice(start, Math.Min(chunk, tokens.Length - start)))
            {
                rows.Add((sequence, token));
            }

            var isLast = start + chunk >= tokens.Length;
            logits = Step(rows, isLast ? headRows : 0);
        }

        return logits;
    }

    /// <summary>An exit head whose logits are not finite drafts nothing, and is silent.</summary>
    private void LookAtDrafts(int firstRow)
    {
        if (finite is null || !stages[^1].HasExitHead)
        {
            return;
        }

        stages[^1].RunExitHead(firstRow);
        for (var row = firstRow; row < stages[^1].RowCount; row++)
        {
            finite.Look("draft logits", stages[^1].DraftLogits(row));
        }
    }

    public void Dispose()
    {
        foreach (var stage in stages)
        {
            stage.Dispose();
        }
    }
}
