using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>Fields of a config that the checkpoint shows to be missing.</summary>
internal static class CheckpointFields
{
    /// <summary>
    /// Refuses a model whose heads are of another size than its family means by an absent <c>head_dim</c>: without that field
    /// the first tensor that does not fit would be named, and not what is to be done about it.
    /// </summary>
    /// <param name="path">The config.</param>
    /// <param name="folder">Its folder, with a checkpoint.</param>
    /// <param name="config">What was read.</param>
    /// <exception cref="CheckpointException">The sizes differ.</exception>
    public static void RequireHeadSize(string path, string folder, ModelConfig config)
    {
        const string Field = "head_dim";
        if (!config.Layers.HasHeadNorms)
        {
            return;
        }

        var fields = JsonFields.ReadFile(path);
        if (fields.Find(Field) is not null)
        {
            return;
        }

        var name = LlamaTensorNames.Layer(0).QueryNorm;
        if (SizeOf(folder, name) is { } size && size != config.HeadSize)
        {
            throw fields.Refuse(
                Field,
                $"{size}, the length of tensor '{name}'",
                $"no such field, which means {config.HeadSize}"
            );
        }
    }

    private static long? SizeOf(string folder, string name)
    {
        try
        {
            using var checkpoint = Checkpoint.Open(folder);
            return checkpoint.TryGet(name, out var tensor) ? tensor.ElementCount : null;
        }
        catch (CheckpointException)
        {
            // The layer's file may be on another machine, and what is wrong with it is said where it is loaded.
            return null;
        }
    }
}
