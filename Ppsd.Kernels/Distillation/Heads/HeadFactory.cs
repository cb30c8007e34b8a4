using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>Where a head's weights start.</summary>
public enum HeadStart
{
    /// <summary>As the model's layers after the exit: they already read its hidden states.</summary>
    NextLayer,

    /// <summary>As the model's last layers: their output is what the LM head reads.</summary>
    LastLayer,

    /// <summary>Normal with deviation 0.02, biases zero, norms at the model's final norm.</summary>
    Random,
}

/// <summary>Makes heads and gives them their first weights.</summary>
internal static class HeadFactory
{
    private const double RandomDeviation = 0.02;

    /// <summary>Makes a head with zero weights.</summary>
    public static TrainedHead Create(TrainingDevice device, HeadSpec spec, ModelConfig config, int maxRows) =>
        spec.Kind switch
        {
            TrainedHeadKind.Norm => new NormHead(device, spec, config),
            TrainedHeadKind.Mlp => new MlpHead(device, spec, config, maxRows),
            TrainedHeadKind.Transformer => new TransformerHead(device, spec, config, maxRows),
            TrainedHeadKind.Chain => new ChainHead(device, spec, config, maxRows),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kind, "no kind of head"),
        };

    /// <summary>Writes a head's first weights.</summary>
    /// <param name="model">The model's weights.</param>
    /// <param name="start">Where they come from.</param>
    /// <param name="seed">Key of random weights.</param>
    public static void Initialise(TrainedHead head, WeightSource model, HeadStart start, int seed)
    {
        var random = new Random(seed);
        var split = new SplitProjections(model, head.Config);
        foreach (var matrix in head.Matrices)
        {
            var values = new float[matrix.Count];
            foreach (var tensor in head.Tensors.Where(tensor => ReferenceEquals(tensor.Matrix, matrix)))
            {
                var part = values.AsSpan(tensor.FirstRow * matrix.Columns, tensor.Rows * matrix.Columns);
                if (SourceOf(head, tensor.Name, start) is { } name)
                {
                    var weight = split.Require(name, tensor.Shape);
                    Read(tensor.IsRotated ? RotatedPairs.Arrange(weight, head.Config) : weight, part);
                }
                else if (tensor.Name == ChainHead.InputProjection)
                {
                    FillSum(part, matrix.Rows, TeacherModel.StreamFactor(head.Config));
                }
                else if (!tensor.Name.EndsWith(".bias", StringComparison.Ordinal))
                {
                    FillRandom(part, random, isScale: matrix.Rows == 1);
                }
            }

            matrix.Write(TrainedPart.Values, values);
        }
    }

    /// <summary>The model's tensor that a head's starts as; null when there is none.</summary>
    private static string? SourceOf(TrainedHead head, string name, HeadStart start)
    {
        if (name == ExitHeadTensorNames.Norm)
        {
            return LlamaTensorNames.FinalNorm;
        }

        if (start == HeadStart.Random || name == ChainHead.InputProjection)
        {
            return null;
        }

        if (name.StartsWith(ChainHead.LayerPrefix, StringComparison.Ordinal))
        {
            return ModelLayer(1).Prefix + name[ChainHead.LayerPrefix.Length..];
        }

        for (var i = 0; i < head.Spec.LayerCount; i++)
        {
            var prefix = ExitHeadTensorNames.Layer(i).Prefix;
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                return ModelLayer(i).Prefix + name[prefix.Length..];
            }
        }

        var layer = ModelLayer(0);
        return name switch
        {
            ExitHeadTensorNames.MlpNorm => layer.PostAttentionNorm,
            ExitHeadTensorNames.MlpGate => layer.Gate,
            ExitHeadTensorNames.MlpUp => layer.Up,
            ExitHeadTensorNames.MlpDown => layer.Down,
            _ => null,
        };

        LlamaLayerTensorNames ModelLayer(int index)
        {
            var last = head.Config.LayerCount - 1;
            var first =
                start == HeadStart.NextLayer
                    ? head.Spec.ExitLayer
                    : Math.Max(0, head.Config.LayerCount - head.Spec.LayerCount);
            return LlamaTensorNames.Layer(Math.Min(first + index, last));
        }
    }

    private static void Read(Weight weight, Span<float> target)
    {
        for (var row = 0; row < weight.RowCount; row++)
        {
            weight.ReadRow(row, target.Slice((int)(row * weight.RowLength), (int)weight.RowLength));
        }
    }

    /// <summary>An entry of a chain starts as the sum of the embedding, in the stream's units, and the state before.</summary>
    private static void FillSum(Span<float> values, int hiddenSize, float embeddingFactor)
    {
        for (var row = 0; row < hiddenSize; row++)
        {
            values[row * 2 * hiddenSize + row] = embeddingFactor;
            values[row * 2 * hiddenSize + hiddenSize + row] = 1;
        }
    }

    private static void FillRandom(Span<float> values, Random random, bool isScale)
    {
        foreach (ref var value in values)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var normal = radius * Math.Cos(2 * Math.PI * random.NextDouble());
            value = isScale ? 1 : (float)(normal * RandomDeviation);
        }
    }
}
