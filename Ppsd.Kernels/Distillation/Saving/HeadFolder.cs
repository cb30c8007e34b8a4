using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Saving;

/// <summary>Writes a trained head as docs/exit-heads.md describes it: config.json, model.safetensors in bf16, and the list of tokens it drafts.</summary>
internal static class HeadFolder
{
    private static readonly JsonWriterOptions _indented = new() { Indented = true };

    /// <summary>Writes the files; the folder is made if it is missing.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="head">The head.</param>
    /// <param name="verifier">The model it belongs to.</param>
    /// <param name="vocabulary">The tokens it drafts; null for all.</param>
    /// <exception cref="IOException">They cannot be written.</exception>
    public static void Write(
        string folder,
        TrainedHead head,
        ExitHeadVerifier verifier,
        DraftVocabulary? vocabulary = null
    )
    {
        Directory.CreateDirectory(folder);
        var output = new SafetensorsOutput();
        foreach (var (tensor, values) in Values(head))
        {
            output.Add(tensor.Name, ElementType.BFloat16, tensor.Shape, values);
        }

        output.Write(Path.Combine(folder, "model.safetensors"));
        vocabulary?.Write(Path.Combine(folder, DraftVocabulary.FileName));
        WholeFile.Write(Path.Combine(folder, "config.json"), Config(head, verifier, vocabulary is not null));
    }

    /// <summary>Rounds the weights of a head to what its folder holds, so that they can be measured as they will be used.</summary>
    /// <returns>The weights as they were, for <see cref="Restore"/>.</returns>
    public static IReadOnlyList<float[]> Round(TrainedHead head)
    {
        var kept = new List<float[]>();
        foreach (var matrix in head.Matrices)
        {
            var values = new float[matrix.Count];
            matrix.Read(TrainedPart.Values, values);
            kept.Add(values);
            matrix.Write(TrainedPart.Values, [.. values.Select(v => BFloat16.ToSingle(BFloat16.Round(v)))]);
        }

        return kept;
    }

    /// <summary>Undoes <see cref="Round"/>.</summary>
    public static void Restore(TrainedHead head, IReadOnlyList<float[]> kept)
    {
        for (var i = 0; i < kept.Count; i++)
        {
            head.Matrices[i].Write(TrainedPart.Values, kept[i]);
        }
    }

    private static IEnumerable<(TrainedTensor Tensor, float[] Values)> Values(TrainedHead head)
    {
        foreach (var group in head.Tensors.GroupBy(tensor => tensor.Matrix))
        {
            var all = new float[group.Key.Count];
            group.Key.Read(TrainedPart.Values, all);
            foreach (var tensor in group)
            {
                var (rows, columns) = (tensor.Rows, group.Key.Columns);
                var values = all.AsSpan(tensor.FirstRow * columns, rows * columns).ToArray();
                yield return (
                    tensor,
                    tensor.IsRotated ? RotatedPairs.Restore(values, rows == 1 ? 1 : columns, head.Config) : values
                );
            }
        }
    }

    private static byte[] Config(TrainedHead head, ExitHeadVerifier verifier, bool hasList)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, _indented))
        {
            json.WriteStartObject();
            json.WriteString("model_type", ExitHeadConfig.ModelType);
            json.WriteString("head_type", head.Spec.KindName);
            json.WriteNumber("exit_layer", head.Spec.ExitLayer);
            json.WriteNumber("num_layers", head.Spec.LayerCount);
            json.WriteString("lm_head", "shared");
            if (hasList)
            {
                json.WriteString("draft_vocabulary", DraftVocabulary.FileName);
            }

            json.WriteStartObject("verifier");
            json.WriteString("name", verifier.Name);
            json.WriteNumber("num_hidden_layers", verifier.LayerCount);
            json.WriteNumber("hidden_size", verifier.HiddenSize);
            json.WriteString("weights_sha256", verifier.WeightsSha256);
            json.WriteEndObject();
            json.WriteNumber("rms_norm_eps", head.Epsilon);
            json.WriteString("dtype", "bfloat16");
            json.WriteEndObject();
        }

        return [.. buffer.ToArray(), (byte)'\n'];
    }
}
