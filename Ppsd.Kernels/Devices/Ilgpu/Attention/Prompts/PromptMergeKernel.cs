using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// Merges what <see cref="PromptAttentionKernel"/> found, a warp a row and head (<see cref="ChunkMerge"/>). A kernel of its
/// own, because a merge waits for memory most of the time and many groups can wait at once; a group of that kernel has its
/// multiprocessor to itself.
/// </summary>
internal static class PromptMergeKernel
{
    /// <summary>Two groups at least share a multiprocessor.</summary>
    public static KernelSpecialization Specialization { get; } = new(AttentionTiling.GroupSize, 2);

    /// <summary>Grid: key/value heads, one, tiles of rows (and of heads) as <see cref="QueryTile.OfGroup"/> numbers them.</summary>
    /// <inheritdoc cref="PromptAttentionKernel.Execute" />
    /// <param name="y">Receives the results.</param>
    public static void Execute<TParts>(
        RowContexts rows,
        int firstRow,
        int lastRow,
        AttentionGeometry geometry,
        AttentionPartials partials,
        AttendedRows y
    )
        where TParts : struct, IHeadParts
    {
        DependentLaunch.Release();
        var tile = QueryTile.OfGroup(rows, firstRow, lastRow, geometry);
        DependentLaunch.Wait();
        ChunkMerge.Merge<TParts>(tile, geometry, tile.FirstRow - firstRow, partials, y);
    }
}
