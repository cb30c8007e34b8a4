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
                CopyRemainingLayers(writer, source, ModelConfig.Read(TestModels.Folder(model)), exitLayer)
        );

    /// <summary>
    /// A chain head whose first step is never wrong, for the same reason. Its second layer is the model's first one, and what
    /// goes into it is keyed.
    /// </summary>
    public static void WriteChain(string model, int exitLayer, string folder) =>
        Write(
            model,
            exitLayer,
            "chain",
            folder,
            (writer, source) =>
            {
                var config = ModelConfig.Read(TestModels.Folder(model));
                CopyRemainingLayers(writer, source, config, exitLayer);
                CopyLayer(writer, source, config, LlamaTensorNames.Layer(0), ExitHeadTensorNames.ChainLayer);
                var hidden = config.HiddenSize;
                writer.Add(
                    ExitHeadTensorNames.ChainInput,
                    ElementType.BFloat16,
                    [hidden, 2 * hidden],
                    TestValues.BFloat16(2 * hidden * hidden, seed: 7, 0.1f)
                );
            }
        );

    private static void CopyRemainingLayers(
        SafetensorsWriter writer,
        Checkpoint source,
        ModelConfig config,
        int exitLayer
    )
    {
        writer.Copy(source, LlamaTensorNames.FinalNorm, ExitHeadTensorNames.Norm);
        for (var layer = exitLayer; layer < config.LayerCount; layer++)
        {
            CopyLayer(
                writer,
                source,
                config,
                LlamaTensorNames.Layer(layer),
                ExitHeadTensorNames.Layer(layer - exitLayer)
            );
        }
    }

    private static void CopyLayer(
        SafetensorsWriter writer,
        Checkpoint source,
        ModelConfig config,
        LlamaLayerTensorNames from,
        LlamaLayerTensorNames to
    )
    {
        writer.Copy(source, from.InputNorm, to.InputNorm).Copy(source, from.PostAttentionNorm, to.PostAttentionNorm);
        (string From, string To)[] projections =
        [
            (from.Query, to.Query),
            (from.Key, to.Key),
            (from.Value, to.Value),
            (from.Output, to.Output),
            (from.Gate, to.Gate),
            (from.Up, to.Up),
            (from.Down, to.Down),
        ];
        (string From, string To)[] all =
        [
            .. projections,
            .. projections.Select(pair =>
                (LlamaLayerTensorNames.BiasOf(pair.From), LlamaLayerTensorNames.BiasOf(pair.To))
            ),
            (from.QueryNorm, to.QueryNorm),
            (from.KeyNorm, to.KeyNorm),
        ];
        foreach (var (name, copy) in all.Where(pair => source.TryGet(pair.From, out _)))
        {
            writer.Copy(source, name, copy);
        }

        if (config.Layers.HasFusedProjections)
        {
            writer
                .CopyRows(source, from.QueryKeyValue, to.Query, 0, config.QuerySize)
                .CopyRows(source, from.QueryKeyValue, to.Key, config.QuerySize, config.KvSize)
                .CopyRows(source, from.QueryKeyValue, to.Value, config.QuerySize + config.KvSize, config.KvSize)
                .CopyRows(source, from.GateUp, to.Gate, 0, config.IntermediateSize)
                .CopyRows(source, from.GateUp, to.Up, config.IntermediateSize, config.IntermediateSize);
        }
    }

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

    /// <summary>Has the head of a folder draft some tokens only.</summary>
    public static void SetList(string folder, int[] tokens)
    {
        DraftVocabulary.Of(tokens).Write(Path.Combine(folder, DraftVocabulary.FileName));
        var path = Path.Combine(folder, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["draft_vocabulary"] = DraftVocabulary.FileName;
        File.WriteAllText(path, config.ToJsonString());
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

    private static SafetensorsWriter CopyRows(
        this SafetensorsWriter writer,
        Checkpoint source,
        string from,
        string to,
        int first,
        int count
    )
    {
        var tensor = source.Require(from);
        var bytes = (int)tensor.RowLength * tensor.ElementType.SizeInBytes();
        return writer.AddRaw(
            to,
            tensor.ElementType.SafetensorsName(),
            [count, tensor.RowLength],
            tensor.Bytes(first * bytes, count * bytes)
        );
    }
}
