using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// The loss of heads against the target over a pass, block of <see cref="LogitBlocks"/> by block: the loss of each head's
/// drafting steps, and its gradient back through the frozen LM head and the head's norm.
/// </summary>
internal sealed class DraftLoss : IDisposable
{
    /// <summary>Weight of a chain's step against the step before.</summary>
    public const double StepDecay = 0.9;

    private readonly TrainingDevice _device;
    private readonly LogitBlocks _blocks;
    private readonly Activations _normedGradient;
    private readonly Activations _stateGradient;
    private readonly Dictionary<(TrainedHead Head, int Step), Activations> _results = [];
    private readonly float[] _host;

    public DraftLoss(TrainingDevice device, LogitBlocks blocks, IReadOnlyList<TrainedHead> heads, int maxRows)
    {
        _device = device;
        _blocks = blocks;
        _normedGradient = device.Allocate(blocks.Rows, heads[0].Config.HiddenSize);
        _stateGradient = device.Allocate(blocks.Rows, heads[0].Config.HiddenSize);
        _host = new float[maxRows * 4];
        foreach (var head in heads)
        {
            for (var step = 0; step < head.Steps; step++)
            {
                _results.Add((head, step), device.Allocate(4, maxRows));
            }
        }
    }

    /// <summary>Adds each head's gradients of outputs and norm.</summary>
    /// <param name="teacher">Has run the pass.</param>
    /// <param name="heads">Have run the pass.</param>
    /// <param name="kept">What is kept of the target's logits for each target row; null for all of them, from the teacher here.</param>
    /// <param name="weight">Weight of a position: 1 over the answer tokens of all passes of a step.</param>
    public void Run(
        TeacherModel teacher,
        IReadOnlyList<TrainedHead> heads,
        TrainingPass pass,
        Activations? kept,
        DistillationLoss loss,
        double weight
    )
    {
        for (var first = 0; first < pass.TargetCount; first += _blocks.Rows)
        {
            var count = Math.Min(_blocks.Rows, pass.TargetCount - first);
            if (kept is null)
            {
                _blocks.ComputeTarget(teacher, first, count);
            }

            foreach (var head in heads)
            {
                for (var step = 0; step < head.Steps; step++)
                {
                    RunBlock(teacher, head, step, pass, kept, first, count, loss, weight * Math.Pow(StepDecay, step));
                }
            }
        }
    }

    /// <summary>Waits for the pass and sums what it gave for a head's step.</summary>
    public LossSums Sums(TrainedHead head, int step, TrainingPass pass)
    {
        _device.Download(_results[(head, step)], 4, _host);
        double loss = 0;
        double overlap = 0;
        double hits = 0;
        double count = 0;
        var stride = _host.Length / 4;
        for (var i = 0; i < pass.TargetCount; i++)
        {
            loss += _host[i];
            overlap += _host[stride + i];
            hits += _host[2 * stride + i];
            count += _host[3 * stride + i];
        }

        return new LossSums(loss, overlap, hits, count);
    }

    public void Dispose()
    {
        _normedGradient.Dispose();
        _stateGradient.Dispose();
        foreach (var results in _results.Values)
        {
            results.Dispose();
        }
    }

    private void RunBlock(
        TeacherModel teacher,
        TrainedHead head,
        int step,
        TrainingPass pass,
        Activations? kept,
        int first,
        int count,
        DistillationLoss loss,
        double weight
    )
    {
        var sources = pass.SourceRows(step);
        var results = _results[(head, step)];
        _blocks.ComputeDraft(teacher, head, step, pass, first, count);
        if (kept is null)
        {
            _device.Loss(
                _blocks.Target,
                _blocks.Draft,
                sources,
                pass.NextTokens,
                first,
                count,
                loss,
                (float)weight,
                results
            );
        }
        else
        {
            _device.TruncatedLoss(
                kept,
                _blocks.Draft,
                sources,
                pass.NextTokens,
                first,
                count,
                loss,
                (float)weight,
                results
            );
        }

        _device.ProductInputGradient(_blocks.Draft, teacher.LmHead, _normedGradient, count, adds: false);
        _blocks.Divide(_normedGradient, head, count);
        var outputGradient = head.OutputGradient(step);
        if (outputGradient is not null)
        {
            _device.Clear(_stateGradient, count);
        }

        _device.RmsNormGradient(
            _normedGradient,
            _blocks.States,
            head.Norm,
            _blocks.Inverse,
            outputGradient is null ? null : _stateGradient,
            count
        );
        if (outputGradient is not null)
        {
            _device.ScatterAddRows(_stateGradient, sources, first, count, outputGradient);
        }
    }
}
