using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation;

/// <summary>
/// A step's passes through several stages, a thread each: hidden states go from stage to stage, and what is kept of the teacher's
/// distribution goes from the last to the stages with heads. A stage runs its layers for the passes that follow while it waits
/// for a pass's distribution; gradients add up in the order of passes, so the bits do not depend on who was faster.
/// </summary>
internal sealed class StagePipeline
{
    private readonly IReadOnlyList<TrainingStage> _stages;
    private readonly IReadOnlyList<IReadOnlyList<TrainingSequence>> _passes;
    private readonly int _hiddenSize;
    private readonly double _weight;
    private readonly LossSums[][][] _sums;
    private readonly BlockingCollection<float[]>[] _hidden;
    private readonly BlockingCollection<float[]>[] _kept;
    private ExceptionDispatchInfo? _failure;

    /// <param name="stages">In order.</param>
    /// <param name="passes">The step's passes.</param>
    /// <param name="hiddenSize">Width of a state.</param>
    /// <param name="weight">Weight of a position.</param>
    public StagePipeline(
        IReadOnlyList<TrainingStage> stages,
        IReadOnlyList<IReadOnlyList<TrainingSequence>> passes,
        int hiddenSize,
        double weight
    )
    {
        _stages = stages;
        _passes = passes;
        _hiddenSize = hiddenSize;
        _weight = weight;
        _sums = [.. stages.Select(stage => stage.Heads.Select(head => new LossSums[head.Steps]).ToArray())];
        _hidden = [.. stages.Select(_ => new BlockingCollection<float[]>(boundedCapacity: 1))];
        _kept = [.. stages.Select(_ => new BlockingCollection<float[]>())];
    }

    /// <summary>Passes that a stage has under way at a time: those that are in the stages behind it, and its own.</summary>
    public static int Slots(int stage, int stageCount) => stageCount - stage;

    /// <summary>Runs all passes and adds the gradients of all heads.</summary>
    /// <returns>For each stage and each of its heads, what each drafting step gave.</returns>
    public LossSums[][][] Run()
    {
        using var stop = new CancellationTokenSource();
        var threads = Enumerable
            .Range(0, _stages.Count - 1)
            .Select(stage => new Thread(() => RunStage(stage, stop))
            {
                IsBackground = true,
                Name = $"distill-stage-{stage + 1}",
            })
            .ToArray();
        Array.ForEach(threads, thread => thread.Start());
        RunStage(_stages.Count - 1, stop);
        Array.ForEach(threads, thread => thread.Join());
        foreach (var queue in _hidden.Concat(_kept))
        {
            queue.Dispose();
        }

        _failure?.Throw();
        return _sums;
    }

    private void RunStage(int index, CancellationTokenSource stop)
    {
        try
        {
            _stages[index].Device.EnterThread();
            var learnt = 0;
            for (var pass = 0; pass < _passes.Count; pass++)
            {
                Forward(index, pass, stop.Token);
                if (pass + 1 >= Slots(index, _stages.Count))
                {
                    Learn(index, learnt++, stop.Token);
                }
            }

            while (learnt < _passes.Count)
            {
                Learn(index, learnt++, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Another stage has failed.
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            stop.Cancel();
        }
    }

    private void Forward(int index, int pass, CancellationToken stop)
    {
        var stage = _stages[index];
        var slot = pass % Slots(index, _stages.Count);
        var values = _passes[pass].Sum(sequence => sequence.Length) * _hiddenSize;
        stage.Device.Enter(TrainingPart.Teacher);
        if (index == 0)
        {
            stage.Forward(_passes[pass], slot, []);
        }
        else
        {
            var received = _hidden[index].Take(stop);
            stage.Forward(_passes[pass], slot, received.AsSpan(0, values));
            ArrayPool<float>.Shared.Return(received);
        }

        if (!stage.IsLast)
        {
            var sent = ArrayPool<float>.Shared.Rent(values);
            stage.ReadHidden(slot, sent.AsSpan(0, values));
            _hidden[index + 1].Add(sent, stop);
            return;
        }

        var targets = stage.Pass(slot).TargetCount;
        if (targets > 0)
        {
            stage.KeepTeacher(slot);
            SendKept(stage, slot, targets * stage.KeptWidth, stop);
        }
    }

    private void SendKept(TrainingStage last, int slot, int values, CancellationToken stop)
    {
        var receivers = Enumerable.Range(0, _stages.Count - 1).Where(i => _stages[i].Heads.Count > 0).ToArray();
        if (receivers.Length == 0)
        {
            return;
        }

        var kept = new float[values];
        last.ReadKept(slot, kept);
        foreach (var receiver in receivers)
        {
            _kept[receiver].Add(kept, stop);
        }
    }

    private void Learn(int index, int pass, CancellationToken stop)
    {
        var stage = _stages[index];
        var slot = pass % Slots(index, _stages.Count);
        if (stage.Heads.Count == 0 || stage.Pass(slot).TargetCount == 0)
        {
            return;
        }

        if (!stage.IsLast)
        {
            stage.WriteKept(slot, _kept[index].Take(stop));
        }

        stage.Learn(slot, _weight, _sums[index]);
    }
}
