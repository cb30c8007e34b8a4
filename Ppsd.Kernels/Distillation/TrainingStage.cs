using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation;

/// <summary>Layers of the model that a device runs in training.</summary>
/// <param name="FirstLayer">First layer.</param>
/// <param name="LayerCount">Layers.</param>
internal sealed record TrainingPlace(TrainingDevice Device, int FirstLayer, int LayerCount)
{
    /// <summary>True when a head that reads states after this many layers is trained here.</summary>
    public bool Holds(int exitLayer) => exitLayer > FirstLayer && exitLayer <= FirstLayer + LayerCount;
}

/// <summary>
/// One device's share of training: some layers of the teacher, the heads that stand behind them, and, on the last, the teacher's
/// distribution. All calls come from one thread at a time.
/// </summary>
internal sealed class TrainingStage : IDisposable
{
    private readonly TrainerSettings _settings;
    private readonly IDisposable _rotary;
    private readonly TrainedHead[] _heads;
    private readonly TrainingPass[] _passes;
    private readonly Activations? _kept;
    private readonly DraftLoss? _loss;

    /// <param name="place">Device and layers.</param>
    /// <param name="source">The model's weights.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="specs">The heads that stand here.</param>
    /// <param name="settings">How heads are trained.</param>
    /// <param name="shape">Sizes that all stages have in common.</param>
    /// <param name="slots">Passes that are under way here at a time.</param>
    public TrainingStage(
        TrainingPlace place,
        WeightSource source,
        ModelConfig config,
        IReadOnlyList<HeadSpec> specs,
        TrainerSettings settings,
        PassShape shape,
        int slots
    )
    {
        Device = place.Device;
        _settings = settings;
        IsLast = place.FirstLayer + place.LayerCount == config.LayerCount;
        _rotary = Device.LoadRotary(
            new RotaryTable(
                config.Rope,
                config.HeadSize,
                settings.SequenceLength + shape.Depth,
                settings.RopeType(config)
            )
        );
        var part = new TeacherPart(
            place.FirstLayer,
            place.LayerCount,
            [.. specs.Select(spec => spec.ExitLayer).Distinct()],
            slots,
            specs.Any(spec => spec.Kind == TrainedHeadKind.Chain)
        );
        Teacher = new TeacherModel(Device, source, config, part, shape.MaxRows, _rotary);
        _heads = [.. specs.Select(spec => HeadFactory.Create(Device, spec, config, shape.MaxRows))];
        foreach (var head in _heads)
        {
            HeadFactory.Initialise(head, source, settings.Start, settings.Seed);
        }

        _passes = [.. Enumerable.Range(0, slots).Select(_ => new TrainingPass(Device, shape.MaxRows, shape.Depth))];
        var tokens = Math.Min(settings.TeacherTokens, config.VocabSize - 1);
        KeptWidth = 2 * tokens + 1;
        if (tokens > 0 && (IsLast || _heads.Length > 0))
        {
            _kept = Device.Allocate(shape.MaxRows, KeptWidth);
        }

        if (IsLast || _heads.Length > 0)
        {
            Blocks = new LogitBlocks(
                Device,
                config.HiddenSize,
                config.VocabSize,
                shape.BlockRows,
                shape.MaxRows,
                IsLast,
                _heads.Length > 0
            );
            _loss = _heads.Length > 0 ? new DraftLoss(Device, Blocks, _heads, shape.MaxRows) : null;
        }
    }

    /// <summary>The device.</summary>
    public TrainingDevice Device { get; }

    /// <summary>The layers.</summary>
    public TeacherModel Teacher { get; }

    /// <summary>The heads that are trained here.</summary>
    public IReadOnlyList<TrainedHead> Heads => _heads;

    /// <summary>Logits of target rows; null on a stage that needs none.</summary>
    public LogitBlocks? Blocks { get; }

    /// <summary>True where the teacher's distribution is made.</summary>
    public bool IsLast { get; }

    /// <summary>True when heads learn from the teacher's most probable tokens, not from its whole distribution.</summary>
    public bool KeepsTeacher => _kept is not null;

    /// <summary>Width of what is kept of a row of the teacher's logits.</summary>
    public int KeptWidth { get; }

    /// <summary>A pass under way.</summary>
    public TrainingPass Pass(int slot) => _passes[slot];

    /// <summary>Runs sequences through the layers.</summary>
    /// <param name="slot">Where it is kept.</param>
    /// <param name="hidden">States after the layers before, [rows, hiddenSize]; empty on the first stage.</param>
    public void Forward(IReadOnlyList<TrainingSequence> sequences, int slot, ReadOnlySpan<float> hidden)
    {
        var pass = _passes[slot];
        pass.Fill(sequences);
        if (hidden.Length > 0)
        {
            Device.Upload(hidden, Teacher.Hidden, pass.Rows);
        }

        Teacher.Forward(pass, slot);
    }

    /// <summary>Reads the states after the layers, [rows, hiddenSize].</summary>
    public void ReadHidden(int slot, Span<float> target) => Device.Download(Teacher.Hidden, _passes[slot].Rows, target);

    /// <summary>Keeps of the teacher's distribution at the target rows what stages need that do not have it; only the last stage can.</summary>
    public void KeepTeacher(int slot)
    {
        Device.Enter(TrainingPart.Losses);
        var pass = _passes[slot];
        var rows = Blocks!.Rows;
        for (var first = 0; first < pass.TargetCount; first += rows)
        {
            var count = Math.Min(rows, pass.TargetCount - first);
            Blocks.ComputeTarget(Teacher, first, count);
            Device.KeepTop(Blocks.Target, count, first, _kept!);
        }
    }

    /// <summary>Reads what <see cref="KeepTeacher"/> has kept, [target rows, <see cref="KeptWidth"/>].</summary>
    public void ReadKept(int slot, Span<float> target) => Device.Download(_kept!, _passes[slot].TargetCount, target);

    /// <summary>Takes what another stage has kept.</summary>
    public void WriteKept(int slot, ReadOnlySpan<float> source) =>
        Device.Upload(source, _kept!, _passes[slot].TargetCount);

    /// <summary>Runs the heads on a pass.</summary>
    public void ForwardHeads(int slot)
    {
        foreach (var head in _heads)
        {
            head.Forward(Teacher.After(head.Spec.ExitLayer, slot), Teacher, _passes[slot]);
        }
    }

    /// <summary>Runs the heads on a pass, the loss, and back, and adds up what it gave.</summary>
    /// <param name="weight">Weight of a position.</param>
    /// <param name="sums">For each head here, of each of its drafting steps.</param>
    public void Learn(int slot, double weight, LossSums[][] sums)
    {
        var pass = _passes[slot];
        Device.Enter(TrainingPart.Heads);
        ForwardHeads(slot);
        Device.Enter(TrainingPart.Losses);
        _loss!.Run(Teacher, _heads, pass, _kept, _settings.Loss, weight);
        for (var i = 0; i < _heads.Length; i++)
        {
            Device.Enter(TrainingPart.Backward);
            _heads[i].Backward(Teacher, pass);
            Device.Enter(TrainingPart.Losses);
            for (var step = 0; step < _heads[i].Steps; step++)
            {
                sums[i][step] += _loss.Sums(_heads[i], step, pass);
            }
        }
    }

    /// <summary>
    /// Updates the heads by their gradients. Each is clipped by its own, so that a head's training does not depend on its company.
    /// </summary>
    public void Update(double learningRate, int step)
    {
        Device.Enter(TrainingPart.Optimiser);
        foreach (var head in _heads)
        {
            var norm = Math.Sqrt(head.Matrices.Sum(Device.GradientSquares));
            var scale = norm > _settings.ClipNorm ? _settings.ClipNorm / norm : 1;
            var update = new AdamWStep((float)learningRate, (float)scale, step, (float)_settings.WeightDecay);
            foreach (var matrix in head.Matrices)
            {
                Device.Update(matrix, update);
            }
        }
    }

    public void Dispose()
    {
        _loss?.Dispose();
        Blocks?.Dispose();
        _kept?.Dispose();
        Array.ForEach(_heads, head => head.Dispose());
        Teacher.Dispose();
        Array.ForEach(_passes, pass => pass.Dispose());
        _rotary.Dispose();
    }
}
