using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>
/// The model whose heads are trained: runs whole sequences forward, keeps the hidden states after the exit layers (the
/// heads' input) and the final normed states of target rows (the teacher's side of the loss).
/// </summary>
internal sealed class TeacherModel : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly ModelConfig _config;
    private readonly FrozenLayer[] _layers;
    private readonly TrainingMatrix _finalNorm;
    private readonly LayerScratch _scratch;
    private readonly Activations _hidden;
    private readonly Activations _targets;
    private readonly Dictionary<int, Activations> _taps;

    /// <param name="device">Where.</param>
    /// <param name="source">The model's weights; not needed any more afterwards.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="exitLayers">Layers after which heads stand.</param>
    /// <param name="maxRows">Most rows of a pass.</param>
    /// <param name="rotary">Cosines and sines; stays the caller's.</param>
    /// <exception cref="CheckpointException">Its layers are not a plain LLaMA's.</exception>
    public TeacherModel(
        TrainingDevice device,
        WeightSource source,
        ModelConfig config,
        IEnumerable<int> exitLayers,
        int maxRows,
        IDisposable rotary
    )
    {
        if (config.Layers != LayerTraits.Plain)
        {
            // A teacher whose layers lack something would teach another model's tokens.
            throw new CheckpointException(
                $"distill: expected a model whose layers are a plain LLaMA's, found {config.Architecture} with biases, norms of heads or a sliding window"
            );
        }

        _device = device;
        _config = config;
        Rotary = rotary;
        _layers =
        [
            .. Enumerable
                .Range(0, config.LayerCount)
                .Select(layer => new FrozenLayer(device, source, LlamaTensorNames.Layer(layer), config)),
        ];
        Embedding = device.LoadFrozen(
            MatrixUses.Rows,
            source.Require(LlamaTensorNames.Embedding, config.VocabSize, config.HiddenSize)
        );
        LmHead = device.LoadFrozen(
            MatrixUses.Products | MatrixUses.InputGradients,
            source.Require(LlamaTensorNames.LmHead(config.TieWordEmbeddings), config.VocabSize, config.HiddenSize)
        );
        _finalNorm = device.LoadFrozen(MatrixUses.Rows, source.Require(LlamaTensorNames.FinalNorm, config.HiddenSize));
        _scratch = new LayerScratch(device, config, maxRows);
        _hidden = device.Allocate(maxRows, config.HiddenSize);
        _targets = device.Allocate(maxRows, config.HiddenSize);
        TargetStates = device.Allocate(maxRows, config.HiddenSize);
        _taps = exitLayers.Distinct().ToDictionary(layer => layer, _ => device.Allocate(maxRows, config.HiddenSize));
    }

    /// <summary>[vocabSize, hiddenSize], for reading rows.</summary>
    public TrainingMatrix Embedding { get; }

    /// <summary>[vocabSize, hiddenSize], shared by the model and its heads.</summary>
    public TrainingMatrix LmHead { get; }

    /// <summary>Cosines and sines.</summary>
    public IDisposable Rotary { get; }

    /// <summary>States of the pass's target rows after the final norm, [<see cref="TrainingPass.TargetCount"/>, hiddenSize].</summary>
    public Activations TargetStates { get; }

    /// <summary>Hidden states after a layer, [rows, hiddenSize]; valid until the next pass.</summary>
    public Activations After(int layer) => _taps[layer];

    /// <summary>Runs a pass through all layers.</summary>
    public void Forward(TrainingPass pass)
    {
        _device.Embed(Embedding, pass.Tokens(0), _hidden, pass.Rows);
        for (var layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer].Forward(_hidden, _scratch, Rotary, pass);
            if (_taps.TryGetValue(layer + 1, out var tap))
            {
                _device.Copy(_hidden, tap, pass.Rows);
            }
        }

        _device.GatherRows(_hidden, pass.SourceRows(0), 0, pass.TargetCount, _targets);
        _device.RmsNorm(_targets, _finalNorm, _config.RmsNormEpsilon, TargetStates, _scratch.Inverse, pass.TargetCount);
    }

    public void Dispose()
    {
        Array.ForEach(_layers, layer => layer.Dispose());
        Embedding.Dispose();
        LmHead.Dispose();
        _finalNorm.Dispose();
        _scratch.Dispose();
        _hidden.Dispose();
        _targets.Dispose();
        TargetStates.Dispose();
        foreach (var tap in _taps.Values)
        {
            tap.Dispose();
        }
    }
}
