using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation;

/// <summary>
/// Trains exit heads of one model, all on the same forward pass of it: a step takes a batch of sequences through the model,
/// the heads, the loss and back, as many passes as the devices like, then updates every head. A model may be cut into stages on
/// several devices; a head is trained where its exit layer is. All calls come from one thread.
/// </summary>
internal sealed class HeadTrainer : IDisposable
{
    private readonly TrainingStage[] _stages;
    private readonly (TrainedHead Head, TrainingStage Stage, int Index)[] _heads;

    /// <summary>Loads the model and makes the heads on one device.</summary>
    /// <param name="device">Where; stays the caller's.</param>
    /// <param name="source">The model's weights; not needed any more afterwards.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="heads">What to train.</param>
    public HeadTrainer(
        TrainingDevice device,
        WeightSource source,
        ModelConfig config,
        IReadOnlyList<HeadSpec> heads,
        TrainerSettings settings
    )
        : this([new TrainingPlace(device, 0, config.LayerCount)], source, config, heads, settings) { }

    /// <summary>Loads the model and makes the heads on several devices.</summary>
    /// <param name="places">The stages in order, all layers once; devices stay the caller's.</param>
    /// <param name="source">The model's weights; not needed any more afterwards.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="heads">What to train.</param>
    /// <param name="settings">How; several stages need <see cref="TrainerSettings.TeacherTokens"/>.</param>
    public HeadTrainer(
        IReadOnlyList<TrainingPlace> places,
        WeightSource source,
        ModelConfig config,
        IReadOnlyList<HeadSpec> heads,
        TrainerSettings settings
    )
    {
        if (places.Count > 1 && settings.TeacherTokens == 0)
        {
            throw new ArgumentException("several stages send a part of the teacher's distribution", nameof(settings));
        }

        Config = config;
        var shape = PassShape.Of(config, heads, settings, [.. places.Select(place => place.Device.Sizes)]);
        MaxPassRows = shape.MaxRows;
        _stages = new TrainingStage[places.Count];
        try
        {
            for (var i = 0; i < places.Count; i++)
            {
                HeadSpec[] here = [.. heads.Where(head => places[i].Holds(head.ExitLayer))];
                var slots = StagePipeline.Slots(i, places.Count);
                _stages[i] = new TrainingStage(places[i], source, config, here, settings, shape, slots);
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        var made = _stages
            .SelectMany(stage => stage.Heads.Select((head, i) => (Head: head, Stage: stage, Index: i)))
            .ToArray();
        _heads = [.. heads.Select(spec => made.Single(one => one.Head.Spec == spec))];
        Heads = [.. _heads.Select(one => one.Head)];
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>The stages in order.</summary>
    public IReadOnlyList<TrainingStage> Stages => _stages;

    /// <summary>The heads, in the order asked for.</summary>
    public IReadOnlyList<TrainedHead> Heads { get; }

    /// <summary>Most rows of a pass.</summary>
    public int MaxPassRows { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Answer tokens seen.</summary>
    public long AnswerTokens { get; set; }

    /// <summary>The stage that trains a head.</summary>
    public TrainingStage StageOf(TrainedHead head) => _heads.Single(one => one.Head == head).Stage;

    /// <summary>Learns from a batch.</summary>
    /// <param name="batch">Sequences, none longer than the settings' length.</param>
    /// <param name="learningRate">Step size.</param>
    /// <returns>For each head, and each of its drafting steps, what the batch gave before the update.</returns>
    public IReadOnlyList<LossSums[]> Learn(IReadOnlyList<TrainingSequence> batch, double learningRate)
    {
        var answerTokens = batch.Sum(sequence => sequence.AnswerTokens);
        var byStage =
            _stages.Length == 1 ? LearnAlone(batch, 1.0 / answerTokens) : LearnTogether(batch, 1.0 / answerTokens);
        LossSums[][] sums = [.. _heads.Select(one => byStage[Array.IndexOf(_stages, one.Stage)][one.Index])];
        if (sums.Any(steps => steps.Any(step => !double.IsFinite(step.Loss))))
        {
            // The weights are still those before the batch, and stay so.
            return sums;
        }

        Step++;
        AnswerTokens += answerTokens;
        foreach (var stage in _stages)
        {
            stage.Device.EnterThread();
            stage.Update(learningRate, Step);
        }

        return sums;
    }

    /// <summary>Runs sequences through the model and the heads, without the loss.</summary>
    public void Forward(IReadOnlyList<TrainingSequence> sequences)
    {
        float[] hidden = [];
        foreach (var stage in _stages)
        {
            stage.Device.EnterThread();
            stage.Device.Enter(TrainingPart.None);
            stage.Forward(sequences, 0, hidden);
            stage.ForwardHeads(0);
            if (!stage.IsLast)
            {
                hidden = new float[stage.Pass(0).Rows * Config.HiddenSize];
                stage.ReadHidden(0, hidden);
            }
        }
    }

    /// <summary>Cuts a batch into passes that the buffers hold.</summary>
    public IEnumerable<IReadOnlyList<TrainingSequence>> Passes(IEnumerable<TrainingSequence> batch)
    {
        var part = new List<TrainingSequence>();
        var rows = 0;
        foreach (var sequence in batch)
        {
            if (rows + sequence.Length > MaxPassRows)
            {
                yield return part;
                part = [];
                rows = 0;
            }

            part.Add(sequence);
            rows += sequence.Length;
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }

    public void Dispose()
    {
        foreach (var stage in _stages)
        {
            // Null where loading failed.
            stage?.Dispose();
        }
    }

    private LossSums[][][] LearnAlone(IReadOnlyList<TrainingSequence> batch, double weight)
    {
        var stage = _stages[0];
        var sums = stage.Heads.Select(head => new LossSums[head.Steps]).ToArray();
        foreach (var part in Passes(batch))
        {
            stage.Device.Enter(TrainingPart.Teacher);
            stage.Forward(part, 0, []);
            if (stage.Pass(0).TargetCount == 0)
            {
                continue;
            }

            if (stage.KeepsTeacher)
            {
                stage.KeepTeacher(0);
            }

            stage.Learn(0, weight, sums);
        }

        return [sums];
    }

    private LossSums[][][] LearnTogether(IReadOnlyList<TrainingSequence> batch, double weight) =>
        new StagePipeline(_stages, [.. Passes(batch)], Config.HiddenSize, weight).Run();
}
