using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Support;

/// <summary>Exit-head folders made from a model's own tensors, or from values a test gives.</summary>
internal static class ExitHeadFolder
{
    /// <summary>The plainest head there is: the model's own final norm, applied early.</summary>
    public static void WriteNorm(string model, int exitLayer, string folder) =>
        Write(
            model,
            exitLayer,
            "norm",
            folder,
            (writer, source) => writer.Copy(source, LlamaTensorNames.FinalNorm, ExitHeadTensorNames.Norm)
        );

    /// <summary>The model's own layers after the exit layer, and its final norm: such a head is never wrong.</summary>
    public static void WriteRemainingLayers(string model, int exitLayer, string folder) =>
        Write(
            model,
            exitLayer,
            "transformer",
            folder,
            (writer, source) =>
            {
                writer.Copy(source, LlamaTensorNames.FinalNorm, ExitHeadTensorNames.Norm);
                for (var layer = exitLayer; source.TryGet(LlamaTensorNames.Layer(layer).InputNorm, out _); layer++)
                {
                    var from = LlamaTensorNames.Layer(layer);
                    var to = ExitHeadTensorNames.Layer(layer - exitLayer);
                    writer
                        .Copy(source, from.InputNorm, to.InputNorm)
                        .Copy(source, from.Query, to.Query)
                        .Copy(source, from.Key, to.Key)
                        .Copy(source, from.Value, to.Value)
                        .Copy(source, from.Output, to.Output)
                        .Copy(source, from.PostAttentionNorm, to.PostAttentionNorm)
                        .Copy(source, from.Gate, to.Gate)
                        .Copy(source, from.Up, to.Up)
                        .Copy(source, from.Down, to.Down);
                    (string From, string To)[] biased =
                    [
                        (from.Query, to.Query),
                        (from.Key, to.Key),
                        (from.Value, to.Value),
                        (from.Output, to.Output),
                        (from.Gate, to.Gate),
                        (from.Up, to.Up),
                        (from.Down, to.Down),
                    ];
                    (string From, string To)[] further =
                    [
                        (from.QueryNorm, to.QueryNorm),
                        (from.KeyNorm, to.KeyNorm),
                        .. biased.Select(pair =>
                            (LlamaLayerTensorNames.BiasOf(pair.From), LlamaLayerTensorNames.BiasOf(pair.To))
                        ),
                    ];
                    foreach (var (name, copy) in further.Where(pair => source.TryGet(pair.From, out _)))
                    {
                        writer.Copy(source, name, copy);
                    }
                }
            }
        );

    /// <summary>A head of whatever kind and tensors, for a model's weights.</summary>
    public static void Write(
        string model,
        int exitLayer,
        string kind,
        string folder,
        Action<SafetensorsWriter, Checkpoint> addTensors
    )
    {
        var modelFolder = TestModels.Folder(model);
        var config = ModelConfig.Read(modelFolder);
        using var checkpoint = Checkpoint.Open(modelFolder);
        var writer = new SafetensorsWriter();
        addTensors(writer, checkpoint);
        writer.Write(Path.Combine(folder, "model.safetensors"));
        var head = new JsonObject
        {
            ["model_type"] = "ppsd_exit_head",
            ["head_type"] = kind,
            ["exit_layer"] = exitLayer,
            ["num_layers"] = config.LayerCount - exitLayer,
            ["lm_head"] = "shared",
            ["verifier"] = new JsonObject
            {
                ["name"] = model,
                ["num_hidden_layers"] = config.LayerCount,
                ["hidden_size"] = config.HiddenSize,
                ["weights_sha256"] = WeightsFingerprint.Compute(modelFolder),
            },
            ["rms_norm_eps"] = (double)config.RmsNormEpsilon,
            ["dtype"] = "bfloat16",
        };
        File.WriteAllText(Path.Combine(folder, "config.json"), head.ToJsonString());
    }

    private static SafetensorsWriter Copy(this SafetensorsWriter writer, Checkpoint source, string from, string to)
    {
        var tensor = source.Require(from);
        return writer.AddRaw(
            to,
            tensor.ElementType.SafetensorsName(),
            [.. tensor.Shape],
            tensor.Bytes(0, (int)tensor.ByteCount)
        );
    }
}
