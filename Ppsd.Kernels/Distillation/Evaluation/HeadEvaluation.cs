using System.Numerics.Tensors;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Heads;
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

    private readonly HeadTrainer _trainer;
    private readonly int _blockRows;
    private readonly float[] _target;
    private readonly float[] _draft;
    private readonly RowDraws[] _draws;
    private readonly bool[]? _isListed;

    /// <param name="trainer">Has the model and the heads.</param>
    /// <param name="vocabulary">The tokens that heads draft; null for all.</param>
    public HeadEvaluation(HeadTrainer trainer, DraftVocabulary? vocabulary = null)
    {
        _trainer = trainer;
        _isListed = vocabulary is null ? null : new bool[trainer.Config.VocabSize];
        foreach (var token in vocabulary is null ? [] : vocabulary.Tokens)
        {
            _isListed![token] = true;
        }

        _blockRows = trainer.Stages[^1].Blocks!.Rows;
        var values = _blockRows * trainer.Config.VocabSize;
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
        var last = _trainer.Stages[^1];
        var targets = last.Pass(0).TargetCount;
        for (var first = 0; first < targets; first += _blockRows)
        {
            var count = Math.Min(_blockRows, targets - first);
            last.Device.EnterThread();
            last.Blocks!.ComputeTarget(last.Teacher, first, count);
            last.Device.Download(last.Blocks.Target, count, _target);
            for (var head = 0; head < _trainer.Heads.Count; head++)
            {
                RunHead(texts, first, count, _trainer.Heads[head], results[head]);
            }
        }
    }

    private void RunHead(EvaluationText[] texts, int first, int count, TrainedHead head, StepEvaluation[] results)
    {
        var stage = _trainer.StageOf(head);
        stage.Device.EnterThread();
        for (var step = 0; step < head.Steps; step++)
        {
            stage.Blocks!.ComputeDraft(stage.Teacher, head, step, stage.Pass(0), first, count);
            stage.Device.Download(stage.Blocks.Draft, count, _draft);
            ExcludeUnlisted(count);
            RunBlock(texts, first, count, step, results[step]);
        }
    }

    /// <summary>What is not listed is not drafted, and what is listed shares its probability.</summary>
    private void ExcludeUnlisted(int count)
    {
        if (_isListed is null)
        {
            return;
        }

        for (var i = 0; i < count * _isListed.Length; i++)
        {
            if (!_isListed[i % _isListed.Length])
            {
                _draft[i] = float.NegativeInfinity;
            }
        }
    }

    private void RunBlock(EvaluationText[] texts, int first, int count, int step, StepEvaluation result)
    {
        var pass = _trainer.Stages[^1].Pass(0);
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
