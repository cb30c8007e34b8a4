using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Tests.Support;

/// <summary>Drives stage models by hand, without actors: one sequence, verified tokens only.</summary>
internal sealed class SequenceRun
{
    private readonly IReadOnlyList<StageModel> _stages;
    private readonly long _sequence;
    private int _nextId;

    public SequenceRun(IReadOnlyList<StageModel> stages, int capacity, SamplingParameters? sampling = null, long id = 1)
    {
        _stages = stages;
        _sequence = id;
        foreach (var stage in stages)
        {
            stage.Open(id, capacity, promptLength: 0, sampling ?? new SamplingParameters());
        }
    }

    public SequenceRun(StageModel model, int capacity, SamplingParameters? sampling = null, long id = 1)
        : this([model], capacity, sampling, id) { }

    /// <summary>Feeds tokens as one step; returns the hidden states after the last stage's layers.</summary>
    public float[] Feed(params ReadOnlySpan<int> tokens)
    {
        var hidden = Array.Empty<byte>();
        foreach (var stage in _stages)
        {
            stage.BeginStep();
            for (var i = 0; i < tokens.Length; i++)
            {
                Assert.That(stage.TryAppend(_sequence, _nextId + i, _nextId + i - 1, tokens[i], isCertain: true));
            }

            Assert.That(stage.Forward(hidden, () => false));
            hidden = new byte[tokens.Length * stage.HiddenBytesPerRow];
            stage.ReadHidden(hidden);
        }

        _nextId += tokens.Length;
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(hidden).ToArray();
    }

    /// <summary>Target logits of the last <paramref name="rows"/> rows fed.</summary>
    public float[][] Logits(int rows)
    {
        var last = _stages[^1];
        var first = last.RowCount - rows;
        last.RunTargetHead(first);
        return [.. Enumerable.Range(first, rows).Select(row => last.TargetLogits(row).ToArray())];
    }

    /// <summary>The target's token after the last row fed.</summary>
    public int Verdict()
    {
        var last = _stages[^1];
        last.RunTargetHead(last.RowCount - 1);
        return last.Verdict(last.RowCount - 1);
    }

    /// <summary>Prompt in chunks, then one token at a time.</summary>
    public int[] Generate(ReadOnlySpan<int> prompt, int count, int chunk = 64)
    {
        for (var start = 0; start < prompt.Length; start += chunk)
        {
            Feed(prompt.Slice(start, Math.Min(chunk, prompt.Length - start)));
        }

        var tokens = new int[count];
        for (var i = 0; i < count; i++)
        {
            tokens[i] = Verdict();
            Feed(tokens[i]);
        }

        return tokens;
    }
}
