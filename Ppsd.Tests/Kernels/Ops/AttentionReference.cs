using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Rows of one sequence, and attention over them by <see cref="ReferenceOps"/>.</summary>
internal static class AttentionReference
{
    /// <summary>How queries and keys are turned.</summary>
    public static RopeParameters Rope { get; } = new(RopeKind.Default, 10_000, 1, 1, 1, 64);

    /// <summary>Queries, keys and values of some rows.</summary>
    public static float[][] Rows(AttentionShape shape, int count, int seed) =>
        [.. Enumerable.Range(0, count).Select(row => TestValues.Normal(shape.QkvWidth, seed + row))];

    /// <summary>What each row gets, from one position on.</summary>
    /// <param name="rows">The sequence from its first position on.</param>
    /// <param name="first">The first position that is computed.</param>
    /// <param name="window">Last positions that a row sees.</param>
    public static float[][] Of(AttentionShape shape, float[][] rows, int first = 0, int window = int.MaxValue)
    {
        var table = new RotaryTable(Rope, shape.HeadSize, rows.Length, ElementType.Float32);
        var keys = new List<float[]>();
        var values = new List<float[]>();
        var results = new List<float[]>();
        for (var position = 0; position < rows.Length; position++)
        {
            var turned = rows[position]
                .Take(shape.QueryWidth + shape.KvWidth)
                .Chunk(shape.HeadSize)
                .SelectMany(head =>
                    ReferenceOps.Rotate(
                        head,
                        table.Cosines.AsSpan(position * table.HalfSize, table.HalfSize),
                        table.Sines.AsSpan(position * table.HalfSize, table.HalfSize)
                    )
                )
                .ToArray();
            keys.Add(turned[shape.QueryWidth..]);
            values.Add(rows[position][(shape.QueryWidth + shape.KvWidth)..]);
            if (position >= first)
            {
                var seen = Math.Min(window, keys.Count);
                var query = turned.AsSpan(0, shape.QueryWidth);
                results.Add(ReferenceOps.Attend(query, shape, keys[^seen..], values[^seen..]));
            }
        }

        return [.. results];
    }
}
