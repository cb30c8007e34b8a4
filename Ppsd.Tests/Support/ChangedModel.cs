using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Support;

/// <summary>A copy of a model folder with some of its values changed.</summary>
internal static class ChangedModel
{
    /// <summary>Writes the copy; the last row of a matrix is NaN in it.</summary>
    public static void WriteWithNaNRow(string model, string tensor, string folder)
    {
        SafetensorsWriter.CopyModel(TestModels.Folder(model), folder);
        var writer = new SafetensorsWriter().WithMetadata("format", "pt");
        using (var source = Checkpoint.Open(TestModels.Folder(model)))
        {
            foreach (var name in source.TensorNames.Order(StringComparer.Ordinal))
            {
                var from = source.Require(name);
                var bytes = from.Bytes(0, (int)from.ByteCount).ToArray();
                if (name == tensor)
                {
                    bytes.AsSpan(bytes.Length - (int)from.RowLength * from.ElementType.SizeInBytes()).Fill(0xFF);
                }

                writer.AddRaw(name, from.ElementType.SafetensorsName(), [.. from.Shape], bytes);
            }
        }

        writer.Write(Path.Combine(folder, "model.safetensors"));
    }
}
