using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Measurement;

/// <summary>
/// Times the operations of a decode step on a model's shapes, one kind at a time, with synthetic weights. Each
/// measurement walks through several matrices or layers, so that the device's caches hold none of them.
/// </summary>
/// <param name="backend">The device; stays the caller's.</param>
/// <param name="config">The model's shape.</param>
public sealed class KernelMeasurement(Backend backend, ModelConfig config) : IDisposable
{
    private const int KvLayers = 6;
    private const int MostRows = 64;
    private const int PromptRows = 512;
    private static readonly int[] _widths = [1, 2, 4, 8, 16, 32, MostRows];

    private readonly AttentionShape _shape = new(config.HeadCount, config.KvHeadCount, config.HeadSize);
    private readonly SyntheticWeightSource _weights = new(new SyntheticWeights());

    /// <summary>Bytes per second, in GB, of a copy (read and written) and of reading one big matrix.</summary>
    public (double CopyGigabytesPerSecond, double ReadGigabytesPerSecond) MeasureCeilings()
    {
        // The LM head's product over four vocabularies or so: past every cache, long enough to hide its edges.
        var rows = (int)Math.Max(1024, backend.CacheBytes * 16 / (2L * config.HiddenSize));
        using var matrix = Matrix("ceiling", rows, config.HiddenSize);
        using var from = backend.AllocateActivations(rows / 2, config.HiddenSize);
        using var to = backend.AllocateActivations(rows / 2, config.HiddenSize);
        using var input = Normed(config.HiddenSize, 1);
        using var output = backend.AllocateActivations(1, rows);
        backend.FinishLoading();
        BeginStep(1, context: 1);
        var copyUs = Time(() => backend.CopyRows(from, 0, rows / 2, to), 1);
        var readUs = Time(() => backend.MatMul(input, matrix, output, 1), 1);
        return (2.0 * (rows / 2) * config.HiddenSize * sizeof(float) / copyUs / 1e3, matrix.ByteCount / readUs / 1e3);
    }

    /// <inheritdoc />
    public void Dispose() => _weights.Dispose();

    /// <summary>Times each operation at widths from 1 to 64.</summary>
    public IEnumerable<KernelTiming> Measure()
    {
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        using var residual = backend.AllocateActivations(MostRows, hidden);
        using var normed = Normed(hidden, MostRows);
        using var norm = new Norm(backend.LoadVector(_weights.Require("norm", hidden)), config.RmsNormEpsilon);
        using var qkv = backend.AllocateActivations(MostRows, _shape.QkvWidth);
        using var attended = backend.AllocateProductInput(MostRows, _shape.QueryWidth);
        using var scratch = backend.AllocateActivations(MostRows, 2 * inner);
        using var feedForward = backend.AllocateProductInput(MostRows, inner);
        using var logits = backend.AllocateActivations(MostRows, config.VocabSize);

        var products = new (string Name, int Rows, int Columns, bool IsGated, Action<WeightMatrix, int> Multiply)[]
        {
            ("q/k/v", _shape.QkvWidth, hidden, false, (w, rows) => backend.MatMul(normed, w, qkv, rows)),
            (
                "o + residual + norm",
                hidden,
                _shape.QueryWidth,
                false,
                (w, rows) => backend.MatMulAdd(attended, w, residual, rows, norm, normed)
            ),
            (
                "gate/up + SwiGLU",
                2 * inner,
                hidden,
                true,
                (w, rows) => backend.MatMulSwiGlu(normed, w, scratch, feedForward, rows)
            ),
            (
                "down + residual + norm",
                hidden,
                inner,
                false,
                (w, rows) => backend.MatMulAdd(feedForward, w, residual, rows, norm, normed)
            ),
            ("LM head", config.VocabSize, hidden, false, (w, rows) => backend.MatMul(normed, w, logits, rows)),
        };
        foreach (var product in products)
        {
            var count = (int)Math.Max(2, backend.CacheBytes * 8 / (2L * product.Rows * product.Columns));
            var matrices = new WeightMatrix[count];
            for (var i = 0; i < count; i++)
            {
                matrices[i] = Matrix($"{product.Name} {i}", product.Rows, product.Columns, product.IsGated);
            }

            backend.FinishLoading();
            foreach (var width in _widths)
            {
                BeginStep(width, context: 1);
                var us = Time(() => Array.ForEach(matrices, matrix => product.Multiply(matrix, width)), count);
                yield return new KernelTiming(
                    product.Name,
                    $"{product.Rows} x {product.Columns}",
                    width,
                    us,
                    matrices[0].ByteCount
                );
            }

            Array.ForEach(matrices, matrix => matrix.Dispose());
        }

        BeginStep(1, context: 1);
        var normUs = Time(() => Repeat(16, () => backend.RmsNorm(residual, 0, 1, norm, normed)), 16);
        yield return new KernelTiming("norm", $"{hidden}", 1, normUs, 3L * sizeof(float) * hidden);
        foreach (var timing in MeasureDraws(logits))
        {
            yield return timing;
        }

        foreach (var timing in MeasureAttention(qkv, attended))
        {
            yield return timing;
        }
    }

    /// <summary>Draws on the device, the result's way to the host included.</summary>
    private IEnumerable<KernelTiming> MeasureDraws(Activations logits)
    {
        const int Repeats = 8;
        using var draws = backend.AllocateDraws(MostRows, config.VocabSize);
        if (draws is null)
        {
            yield break;
        }

        (string Name, SamplingParameters Parameters)[] settings =
        [
            ("draw, greedy", new()),
            ("draw, sampled", new() { Temperature = 0.8f }),
            (
                "draw, top-k 50, top-p 0.9",
                new()
                {
                    Temperature = 0.8f,
                    TopK = 50,
                    TopP = 0.9f,
                }
            ),
        ];
        foreach (var (name, parameters) in settings)
        {
            foreach (var width in _widths)
            {
                BeginStep(width, context: 1, new RowDraw(DrawSettings.Of(parameters), Drafts: 1));
                var us = Time(() => Repeat(Repeats, () => draws.Queue(logits, 0, width)), Repeats);
                yield return new KernelTiming(
                    name,
                    $"{config.VocabSize}",
                    width,
                    us,
                    (long)sizeof(float) * config.VocabSize * width
                );
            }
        }
    }

    private IEnumerable<KernelTiming> MeasureAttention(Activations qkv, Activations attended)
    {
        var length = Math.Max(config.MaxPositions, backend.IsQueued ? MostRows * 512 : 0);
        using var rotary = backend.LoadRotary(
            new RotaryTable(config.Rope, config.HeadSize, config.MaxPositions, ElementType.Float32)
        );
        var layers = new KvMemory[KvLayers];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = backend.AllocateKv(new KvShape(length, _shape.KvHeadCount, _shape.HeadSize));
        }

        var tokenBytes = 2L * _shape.KvWidth * backend.KvElementBytes;
        foreach (var context in (int[])[512, Math.Min(4096, config.MaxPositions)])
        {
            foreach (var width in _widths)
            {
                BeginStep(width, context);
                yield return new KernelTiming(
                    "rotary + KV append + attention",
                    $"context {context}",
                    width,
                    TimeLayers(),
                    context * tokenBytes
                );
            }
        }

        // Sessions share no slot: each row reads keys and values of its own.
        foreach (var context in (int[])[128, 512])
        {
            foreach (var width in _widths.Where(width => width > 1 && width * context <= length))
            {
                BeginSessions(width, context);
                yield return new KernelTiming(
                    "the same, a session a row",
                    $"context {context}",
                    width,
                    TimeLayers(),
                    width * context * tokenBytes
                );
            }
        }

        // A prompt's last rows; on the CPU their time is the rows' own, one after another.
        if (backend.IsQueued)
        {
            using var promptQkv = backend.AllocateActivations(PromptRows, _shape.QkvWidth);
            using var promptAttended = backend.AllocateProductInput(PromptRows, _shape.QueryWidth);
            foreach (var context in (int[])[PromptRows, 4 * PromptRows])
            {
                if (context <= config.MaxPositions)
                {
                    BeginPrompt(context);
                    yield return new KernelTiming(
                        "the same, a prompt's last rows",
                        $"context {context}",
                        PromptRows,
                        TimeRows(promptQkv, promptAttended),
                        context * tokenBytes
                    );
                }
            }
        }

        Array.ForEach(layers, layer => layer.Dispose());

        double TimeLayers() => TimeRows(qkv, attended);

        double TimeRows(Activations from, Activations to) =>
            Time(() => Array.ForEach(layers, layer => backend.Attend(from, _shape, rotary, layer, to)), layers.Length);
    }

    private WeightMatrix Matrix(string name, int rows, int columns, bool isGated = false) =>
        isGated
            ? backend.LoadGateUp(
                _weights.Require($"{name} gate", rows / 2, columns),
                _weights.Require($"{name} up", rows / 2, columns)
            )
            : backend.LoadMatrix(_weights.Require(name, rows, columns));

    private NormedRows Normed(int width, int rows)
    {
        using var norm = new Norm(backend.LoadVector(_weights.Require("norm", width)), config.RmsNormEpsilon);
        using var x = backend.AllocateActivations(rows, width);
        var values = new float[rows * width];
        for (var row = 0; row < rows; row++)
        {
            _weights.Require("input", rows, width).ReadRow(row, values.AsSpan(row * width, width));
        }

        var normed = backend.AllocateNormed(rows, width);
        BeginStep(rows, context: 1);
        backend.Upload(values, x, rows);
        backend.RmsNorm(x, 0, rows, norm, normed);
        backend.Download(x, rows, values);
        return normed;
    }

    private void BeginStep(int rows, int context, RowDraw draw = default)
    {
        var batch = new StepBatch(rows);
        var table = new int[context];
        for (var i = 0; i < context; i++)
        {
            table[i] = i;
        }

        for (var row = 0; row < rows; row++)
        {
            batch.Add(0, context - 1, context - 1, table, context - 1, [context - 1]);
            batch.Draws[row] = draw;
        }

        backend.BeginStep(batch);
    }

    private void BeginSessions(int rows, int context)
    {
        var batch = new StepBatch(rows);
        for (var row = 0; row < rows; row++)
        {
            var first = row * context;
            var table = Enumerable.Range(first, context).ToArray();
            batch.Add(0, context - 1, table[^1], table, context - 1, [table[^1]]);
        }

        backend.BeginStep(batch);
    }

    private void BeginPrompt(int context)
    {
        var batch = new StepBatch(PromptRows);
        int[] table = [.. Enumerable.Range(0, context)];
        for (var position = context - PromptRows; position < context; position++)
        {
            batch.Add(0, position, position, table, position + 1, []);
        }

        backend.BeginStep(batch);
    }

    private double Time(Action operations, int count) => backend.MeasureMs(operations) * 1e3 / count;

    private static void Repeat(int count, Action operation)
    {
        for (var i = 0; i < count; i++)
        {
            operation();
        }
    }
}
