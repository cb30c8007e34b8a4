using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>
/// The model whose heads are trained, or one stage's layers of it: runs whole sequences forward, keeps the hidden states after
/// the exit layers (the heads' input) and, behind the last layer, the final normed states of target rows (the teacher's side of
/// the loss).
/// </summary>
internal sealed class TeacherModel : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly ModelConfig _config;
    private readonly TeacherPart _part;
    private readonly FrozenLayer[] _layers;
    private readonly TrainingMatrix? _embedding;
    private readonly TrainingMatrix? _lmHead;
    private readonly TrainingMatrix? _finalNorm;
    private readonly Activations? _targetStates;
    private readonly Dictionary<int, Activations[]> _taps;
    private readonly float _embeddingFactor;

    /// <param name="device">Where.</param>
    /// <param name="source">The model's weights; not needed any more afterwards.</param>
    /// <param name="config">Its shape.</param>
    /// <param name="part">Which layers, and what else of it.</param>
    /// <param name="maxRows">Most rows of a pass.</param>
    /// <param name="rotary">Cosines and sines; stays the caller's.</param>
    public TeacherModel(
        TrainingDevice device,
        WeightSource source,
        ModelConfig config,
        TeacherPart part,
        int maxRows,
        IDisposable rotary
    )
    {
        _device = device;
        _config = config;
        _part = part;
        Rotary = rotary;
        _embeddingFactor = StreamFactor(config);
        _layers =
        [
            .. Enumerable
                .Range(part.FirstLayer, part.LayerCount)
                .Select(layer => new FrozenLayer(device, source, layer, config)),
        ];
        if (part.FirstLayer == 0 || part.ReadsEmbedding)
        {
            _embedding = device.LoadFrozen(
                MatrixUses.Rows,
                source.Require(config.EmbeddingTensor, config.VocabSize, config.HiddenSize)
            );
        }

        if (IsLast || part.ExitLayers.Count > 0)
        {
            _lmHead = device.LoadFrozen(
                part.ExitLayers.Count > 0 ? MatrixUses.Products | MatrixUses.InputGradients : MatrixUses.Products,
                source.Require(config.LmHeadTensor, config.VocabSize, config.HiddenSize)
            );
        }

        Scratch = new LayerScratch(device, config, maxRows);
        Hidden = device.Allocate(maxRows, config.HiddenSize);
        if (IsLast)
        {
            _finalNorm = device.LoadFrozen(
                MatrixUses.Rows,
                StreamNorm.LastWeight(source, LlamaTensorNames.FinalNorm, config)
            );
            _targetStates = device.Allocate(maxRows, config.HiddenSize);
        }

        _taps = part.ExitLayers.ToDictionary(
            layer => layer,
            _ => Enumerable.Range(0, part.Slots).Select(_ => device.Allocate(maxRows, config.HiddenSize)).ToArray()
        );
    }

    /// <summary>[vocabSize, hiddenSize], for reading rows.</summary>
    public TrainingMatrix Embedding => _embedding ?? throw Missing("embedding");

    /// <summary>[vocabSize, hiddenSize], shared by the model and its heads.</summary>
    public TrainingMatrix LmHead => _lmHead ?? throw Missing("LM head");

    /// <summary>Cosines and sines.</summary>
    public IDisposable Rotary { get; }

    /// <summary>What layers compute in; free while no layer runs.</summary>
    public LayerScratch Scratch { get; }

    /// <summary>Hidden states before the first of the layers, which a stage that is not the first receives, and then after the last.</summary>
    public Activations Hidden { get; }

    /// <summary>States of the pass's target rows after the final norm, [<see cref="TrainingPass.TargetCount"/>, hiddenSize].</summary>
    public Activations TargetStates => _targetStates ?? throw Missing("final norm");

    private bool IsLast => _part.FirstLayer + _part.LayerCount == _config.LayerCount;

    /// <summary>What an embedding is multiplied by in the residual stream, as stages hold it.</summary>
    public static float StreamFactor(ModelConfig config) =>
        (float)(config.Layers.EmbeddingMultiplier / config.Layers.ResidualMultiplier);

    /// <summary>Hidden states after a layer, [rows, hiddenSize]; valid until the next pass of the same slot.</summary>
    public Activations After(int layer, int slot = 0) => _taps[layer][slot];

    /// <summary>Runs a pass through the layers.</summary>
    /// <param name="slot">Which of the places for states after exit layers it takes.</param>
    public void Forward(TrainingPass pass, int slot = 0)
    {
        if (_part.FirstLayer == 0)
        {
            _device.Embed(Embedding, pass.Tokens(0), Hidden, pass.Rows);
            if (_embeddingFactor != 1)
            {
                _device.Scale(Hidden, _embeddingFactor, pass.Rows);
            }
        }

        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i].Forward(Hidden, Scratch, Rotary, pass);
            if (_taps.TryGetValue(_part.FirstLayer + i + 1, out var taps))
            {
                _device.Copy(Hidden, taps[slot], pass.Rows);
            }
        }

        if (_finalNorm is not null)
        {
            _device.GatherRows(Hidden, pass.SourceRows(0), 0, pass.TargetCount, Scratch.Normed);
            _device.RmsNorm(
                Scratch.Normed,
                _finalNorm,
                StreamNorm.EpsilonOf(_config.RmsNormEpsilon, _config),
                TargetStates,
                Scratch.Inverse,
                pass.TargetCount
            );
        }
    }

    public void Dispose()
    {
        Array.ForEach(_layers, layer => layer.Dispose());
        _embedding?.Dispose();
        _lmHead?.Dispose();
        _finalNorm?.Dispose();
        Scratch.Dispose();
        Hidden.Dispose();
        _targetStates?.Dispose();
        foreach (var tap in _taps.Values.SelectMany(taps => taps))
        {
            tap.Dispose();
        }
    }

    private static InvalidOperationException Missing(string what) => new($"the stage does not hold the {what}");
}
