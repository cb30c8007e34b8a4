using System.Numerics.Tensors;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Evaluation;

/// <summary>
/// Measures heads on texts that the target wrote: at each answer position the target's token is drawn as decoding draws it,
/// and so are the head's best drafts, by the same sampler and noise. A chain's step counts where the steps before it were
/// given the text's own tokens.
/// </summary>
internal sealed class HeadEvaluation
{
    private const int Drafts = 8;

    private readonly TrainingDevice _device;
    private readonly HeadTrainer _trainer;
    private readonly float[] _target;
    private readonly float[] _draft;
    private readonly RowDraws[] _draws;

    public HeadEvaluation(TrainingDevice device, HeadTrainer trainer)
    {
        _device = device;
        _trainer = trainer;
        var values = trainer.Blocks.Rows * trainer.Config.VocabSize;
        _target = new float[values];
        _draft = new float[values];
        _draws =
        [
            .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new RowDraws(trainer.Config.VocabSize)),
        ];
    }

    /// <summary>Measures all heads; for each, each of its drafting steps.</summary>
    /// <param name="texts">Texts no longer than the trainer's sequences.</param>
    public IReadOnlyList<StepEvaluation[]> Run(IReadOnlyList<EvaluationText> texts, CancellationToken cancellation)
    {
        var results = _trainer
            .Heads.Select(head => Enumerable.Range(0, head.Steps).Select(_ => new StepEvaluation()).ToArray())
            .ToArray();
        var next = 0;
        foreach (var part in _trainer.Passes(texts.Select(text => text.Sequence)))
        {
            cancellation.ThrowIfCancellationRequested();
            _trainer.Forward(part);
            RunPass([.. texts.Skip(next).Take(part.Count)], results);
            next += part.Count;
        }

        return results;
    }

    private void RunPass(EvaluationText[] texts, StepEvaluation[][] results)
    {
        var (pass, blocks) = (_trainer.Pass, _trainer.Blocks);
        for (var first = 0; first < pass.TargetCount; first += blocks.Rows)
        {
            var count = Math.Min(blocks.Rows, pass.TargetCount - first);
            blocks.ComputeTarget(_trainer.Teacher, first, count);
            _device.Download(blocks.Target, count, _target);
            for (var head = 0; head < _trainer.Heads.Count; head++)
            {
                for (var step = 0; step < _trainer.Heads[head].Steps; step++)
                {
                    blocks.ComputeDraft(_trainer.Teacher, _trainer.Heads[head], step, pass, first, count);
                    _device.Download(blocks.Draft, count, _draft);
                    RunBlock(texts, first, count, step, results[head][step]);
                }
            }
        }
    }

    private void RunBlock(EvaluationText[] texts, int first, int count, int step, StepEvaluation result)
    {
        var pass = _trainer.Pass;
        var vocabulary = _trainer.Config.VocabSize;
        var rows = new (int Position, int Rank, double Overlap)[count];
        Parallel.For(
            0,
            _draws.Length,
            worker =>
            {
                for (var i = worker; i < count; i += _draws.Length)
                {
                    var row = pass.TargetRows[first + i];
                    var text = SequenceOf(pass.Sequences.Starts, row);
                    var position = row - pass.Sequences.Starts[text] + 1;
                    var draws = _draws[worker]
                        .Measure(
                            _target.AsSpan(i * vocabulary, vocabulary),
                            _draft.AsSpan(i * vocabulary, vocabulary),
                            texts[text].Sampling,
                            position
                        );
                    rows[i] = (position, draws.Rank, draws.Overlap);
                }
            }
        );
        for (var i = 0; i < count; i++)
        {
            if (pass.HasSource(step, first + i))
            {
                result.Add(rows[i].Position, rows[i].Rank, rows[i].Overlap);
            }
        }
    }

    private static int SequenceOf(int[] starts, int row)
    {
        var index = Array.BinarySearch(starts, row);
        return index >= 0 ? index : ~index - 1;
    }

    /// <summary>One thread's sampler and scratch.</summary>
    private sealed class RowDraws(int vocabSize)
    {
        private readonly TokenSampler _sampler = new(vocabSize);
        private readonly float[] _p = new float[vocabSize];
        private readonly float[] _q = new float[vocabSize];

        public (int Rank, double Overlap) Measure(
            ReadOnlySpan<float> target,
            ReadOnlySpan<float> draft,
            SamplingParameters sampling,
            int position
        )
        {
            var token = _sampler.Sample(target, sampling, position, default);
            Span<DraftToken> drafts = stackalloc DraftToken[Drafts];
            var count = _sampler.SampleBest(draft, sampling, position, default, drafts);
            var rank = 0;
            while (rank < count && drafts[rank].Token != token)
            {
                rank++;
            }

            TensorPrimitives.SoftMax(target, _p);
            TensorPrimitives.SoftMax(draft, _q);
            TensorPrimitives.Min<float>(_p, _q, _p);
            return (rank < count ? rank : int.MaxValue, TensorPrimitives.Sum<float>(_p));
        }
    }
}
