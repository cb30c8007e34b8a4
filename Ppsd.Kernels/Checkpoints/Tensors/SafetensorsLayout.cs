using System.Collections.Immutable;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>Checks that the tensors of a safetensors header fill the file's data part exactly.</summary>
internal static class SafetensorsLayout
{
    /// <summary>Returns the entries in the order of their bytes.</summary>
    /// <param name="entries">Entries whose offsets are not negative and do not run backwards.</param>
    /// <param name="dataBytes">Size of the file's data part.</param>
    /// <param name="path">Names the file in refusals.</param>
    /// <exception cref="CheckpointException">
    /// A tensor lies outside the file, two overlap, or bytes belong to none.
    /// </exception>
    public static ImmutableArray<TensorEntry> Check(List<TensorEntry> entries, long dataBytes, string path)
    {
        // An empty tensor shares its offset with the tensor after it, so the end decides between the two.
        entries.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.End.CompareTo(b.End));

        RequireInside(entries, dataBytes, path);
        var end = 0L;
        foreach (var entry in entries)
        {
            if (entry.Offset != end)
            {
                var (what, where) = entry.Offset < end ? ("an overlap", entry.Offset) : ("a gap", end);
                throw CheckpointException.Mismatch(
                    path,
                    $"tensor '{entry.Name}'",
                    $"data_offsets to begin at {end}, where the tensor before it ends",
                    $"{entry.Offset}: {what} at byte {where}"
                );
            }

            end = entry.End;
        }

        if (end != dataBytes)
        {
            throw CheckpointException.Mismatch(
                path,
                "data",
                $"{end} bytes, where the last tensor ends",
                $"{dataBytes}: {dataBytes - end} bytes belong to no tensor"
            );
        }

        return [.. entries];
    }

    private static void RequireInside(List<TensorEntry> entries, long dataBytes, string path)
    {
        var last = entries.MaxBy(entry => entry.End);
        if (last is not null && last.End > dataBytes)
        {
            throw CheckpointException.Mismatch(
                path,
                $"tensor '{last.Name}'",
                $"{last.End} bytes of data as its data_offsets declare",
                $"{dataBytes} bytes in the file; it is truncated or damaged"
            );
        }
    }
}
