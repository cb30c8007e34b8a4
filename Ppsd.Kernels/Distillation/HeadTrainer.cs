using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation;

/// <summary>
/// Trains exit heads of one model, all on the same forward pass of it: a step takes a batch of sequences through the model,
/// the heads, the loss and back, as many passes as the device likes, then updates every head. All calls come from one thread.
/// </summary>
internal sealed class HeadTrainer : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly TrainerSettings _settings;
    private readonly IDisposable _rotary;
    private readonly TrainedHead[] _heads;
    private readonly DraftLoss _loss;

    /// <summary>Loads the model and makes the heads.</summary>
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
    {
        _device = device;
        _settings = settings;
        Config = config;
        var depth = heads.Max(head => head.Depth);
        MaxPassRows = Math.Max(settings.SequenceLength, Math.Min(settings.BatchTokens, device.PreferredPassTokens));
        _rotary = device.LoadRotary(
            new RotaryTable(config.Rope, config.HeadSize, settings.SequenceLength + depth, settings.RopeType(config))
        );
        Teacher = new TeacherModel(device, source, config, heads.Select(head => head.ExitLayer), MaxPassRows, _rotary);
        _heads = [.. heads.Select(head => HeadFactory.Create(device, head, config, MaxPassRows))];
        foreach (var head in _heads)
        {
            HeadFactory.Initialise(head, source, settings.Start, settings.Seed);
        }

        Pass = new TrainingPass(device, MaxPassRows, depth);
        Blocks = new LogitBlocks(device, config.HiddenSize, config.VocabSize, MaxPassRows);
        _loss = new DraftLoss(device, Blocks, _heads, MaxPassRows);
    }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>The model.</summary>
    public TeacherModel Teacher { get; }

    /// <summary>The heads, in the order asked for.</summary>
    public IReadOnlyList<TrainedHead> Heads => _heads;

    /// <summary>The buffers of a pass.</summary>
    public TrainingPass Pass { get; }

    /// <summary>Logits of a pass's target rows.</summary>
    public LogitBlocks Blocks { get; }

    /// <summary>Most rows of a pass.</summary>
    public int MaxPassRows { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Answer tokens seen.</summary>
    public long AnswerTokens { get; set; }

    /// <summary>Learns from a batch.</summary>
    /// <param name="batch">Sequences, none longer than the settings' length.</param>
    /// <param name="learningRate">Step size.</param>
    /// <returns>For each head, and each of its drafting steps, what the batch gave before the update.</returns>
    public IReadOnlyList<LossSums[]> Learn(IReadOnlyList<TrainingSequence> batch, double learningRate)
    {
        var answerTokens = batch.Sum(sequence => sequence.AnswerTokens);
        var sums = _heads.Select(head => new LossSums[head.Steps]).ToArray();
        foreach (var part in Passes(batch))
        {
            Forward(part);
            if (Pass.TargetCount == 0)
            {
                continue;
            }

            _loss.Run(Teacher, _heads, Pass, _settings.Loss, 1.0 / answerTokens);
            for (var i = 0; i < _heads.Length; i++)
            {
                _heads[i].Backward(Teacher, Pass);
                for (var step = 0; step < _heads[i].Steps; step++)
                {
                    sums[i][step] += _loss.Sums(_heads[i], step, Pass);
                }
            }
        }

        if (sums.Any(steps => steps.Any(step => !double.IsFinite(step.Loss))))
        {
            // The weights are still those before the batch, and stay so.
            return sums;
        }

        Step++;
        AnswerTokens += answerTokens;
        foreach (var head in _heads)
        {
            Update(head, learningRate);
        }

        return sums;
    }

    /// <summary>Runs sequences through the model and the heads.</summary>
    public void Forward(IReadOnlyList<TrainingSequence> sequences)
    {
        Pass.Fill(sequences);
        Teacher.Forward(Pass);
        foreach (var head in _heads)
        {
            head.Forward(Teacher.After(head.Spec.ExitLayer), Teacher, Pass);
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
        _loss.Dispose();
        Blocks.Dispose();
        Array.ForEach(_heads, head => head.Dispose());
        Teacher.Dispose();
        Pass.Dispose();
        _rotary.Dispose();
    }

    /// <summary>Each head is clipped by its own gradient, so that a head's training does not depend on its company.</summary>
    private void Update(TrainedHead head, double learningRate)
    {
        var norm = Math.Sqrt(head.Matrices.Sum(_device.GradientSquares));
        var scale = norm > _settings.ClipNorm ? _settings.ClipNorm / norm : 1;
        var step = new AdamWStep((float)learningRate, (float)scale, Step, (float)_settings.WeightDecay);
        foreach (var matrix in head.Matrices)
        {
            _device.Update(matrix, step);
        }
    }
}
