using System.Collections.Frozen;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints;

/// <summary>
/// Which file of a model folder holds which tensor, from <c>model.safetensors.index.json</c>. Immutable.
/// </summary>
internal static class CheckpointIndex
{
    /// <summary>
    /// Reads the index's <c>weight_map</c>: tensor name to the plain name of a file beside the index.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The file is unreadable, is not JSON, has no map, names a tensor twice, or names a file outside the folder.
    /// </exception>
    public static FrozenDictionary<string, string> Read(string path)
    {
        var fields = JsonFields.ReadFile(path, allowDuplicates: false);
        var weightMap = fields.RequireObject("weight_map");
        var shards = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in weightMap.Names())
        {
            var shard = weightMap.RequireString(name);
            if (!IsPlainFileName(shard))
            {
                throw weightMap.Refuse(name, "the name of a file beside the index", $"'{shard}'");
            }

            shards.Add(name, shard);
        }

        return shards.ToFrozenDictionary(StringComparer.Ordinal);
    }

    // An index comes from a stranger: it must not make this process open a file outside the model's folder. Both kinds
    // of slash and the drive colon are refused on every system, so that a folder means the same on all.
    private static bool IsPlainFileName(string name) =>
        name.Length > 0 && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:\0") < 0;
}
