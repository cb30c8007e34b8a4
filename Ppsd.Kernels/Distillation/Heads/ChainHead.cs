using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// A transformer head (layer A: step 0) that drafts on by a second layer from its own states. With f(0) = A(h), step j asks
/// with z(j, t) = W_in [emb(x(t + j)); f(j - 1, t)] at position t + j and attends to the entries z(1) of positions up to t
/// and to its own z(2) .. z(j); f(j) is the layer's output.
/// </summary>
internal sealed class ChainHead : TrainedHead
{
    /// <summary>[hidden, 2 * hidden]: embedding of the drafted token, then the state it was drafted from.</summary>
    public const string InputProjection = "chain.input_proj.weight";

    /// <summary>Begins the names of the second layer's tensors.</summary>
    public const string LayerPrefix = "chain.layer.";

    private readonly TrainedLayer _first;
    private readonly TrainedLayer _next;
    private readonly TrainedMatrix _inputProjection;
    private readonly LayerUse _firstUse;
    private readonly LayerUse[] _nextUses;
    private readonly Activations[] _joined;
    private readonly Activations[] _entries;
    private readonly Activations _embedded;
    private readonly Activations _joinedGradient;

    public ChainHead(TrainingDevice device, HeadSpec spec, ModelConfig config, int maxRows)
        : base(device, spec, config)
    {
        var hidden = config.HiddenSize;
        _first = new TrainedLayer(device, config);
        _next = new TrainedLayer(device, config);
        _inputProjection = device.AllocateTrained(hidden, 2 * hidden);
        _firstUse = new LayerUse(device, config, maxRows);
        var later = spec.Depth - 1;
        _nextUses =
        [
            .. Enumerable.Range(0, later).Select(_ => new LayerUse(device, config, maxRows, isOneOfSeveral: true)),
        ];
        _joined = [.. Enumerable.Range(0, later).Select(_ => device.Allocate(maxRows, 2 * hidden))];
        _entries = [.. Enumerable.Range(0, later).Select(_ => device.Allocate(maxRows, hidden))];
        _embedded = device.Allocate(maxRows, hidden);
        _joinedGradient = device.Allocate(maxRows, 2 * hidden);
    }

    public override int Steps => Spec.Depth;

    public override void Forward(Activations hidden, TeacherModel teacher, TrainingPass pass)
    {
        var rows = pass.Rows;
        _first.Forward(hidden, [_firstUse], teacher.Rotary, pass, shift: 0);
        Device.Clear(_firstUse.Gradient, rows);
        for (var step = 1; step < Steps; step++)
        {
            var joined = _joined[step - 1];
            Device.Embed(teacher.Embedding, pass.Tokens(step), _embedded, rows);
            Device.PlaceColumns(_embedded, joined, 0, rows);
            Device.PlaceColumns(Output(step - 1), joined, Config.HiddenSize, rows);
            Device.Product(joined, _inputProjection, _entries[step - 1], rows, adds: false);
            _next.Forward(_entries[step - 1], _nextUses.AsSpan(0, step), teacher.Rotary, pass, step);
            Device.Clear(_nextUses[step - 1].Gradient, rows);
            Device.Clear(_nextUses[step - 1].OwnQueryKeyValueGradient!, rows);
        }
    }

    public override Activations Output(int step) => Use(step).Output;

    public override Activations OutputGradient(int step) => Use(step).Gradient;

    public override void Backward(TeacherModel teacher, TrainingPass pass)
    {
        var rows = pass.Rows;
        for (var step = Steps - 1; step >= 1; step--)
        {
            _next.Backward(_nextUses.AsSpan(0, step), teacher.Scratch, teacher.Rotary, pass, step);

            // What was the gradient of the layer's output is now that of its entry.
            var entryGradient = _nextUses[step - 1].Gradient;
            Device.ProductWeightGradient(entryGradient, _joined[step - 1], _inputProjection, rows);
            Device.ProductInputGradient(entryGradient, _inputProjection, _joinedGradient, rows, adds: false);
            Device.TakeColumns(_joinedGradient, Config.HiddenSize, Use(step - 1).Gradient, rows, adds: true);
        }

        _first.Backward([_firstUse], teacher.Scratch, teacher.Rotary, pass, shift: 0);
    }

    protected override IEnumerable<TrainedTensor> BlockTensors() =>
        [
            .. _first.Tensors(ExitHeadTensorNames.Layer(0)),
            new(InputProjection, _inputProjection),
            .. _next.Tensors(new LlamaLayerTensorNames(LayerPrefix)),
        ];

    protected override IEnumerable<IDisposable> Buffers() =>
        [_firstUse, .. _nextUses, .. _joined, .. _entries, _embedded, _joinedGradient];

    private LayerUse Use(int step) => step == 0 ? _firstUse : _nextUses[step - 1];
}
