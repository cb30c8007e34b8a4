using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

/// <summary>
/// Memory between the groups of attention, shared by all layers: the chunks' partial results and the groups' counters. A
/// grown buffer's predecessor is kept until the end, because a captured graph may still point to it.
/// </summary>
internal sealed class AttentionScratch(Accelerator accelerator) : IDisposable
{
    /// <summary>Most pairs of a row and a chunk of its context in one launch, unless eight long rows need more.</summary>
    private const int MaxPairs = 4096;

    private readonly List<IDisposable> _buffers = [];
    private AttentionPartials _partials;

    /// <summary>Partial results for the last group of each tile.</summary>
    public AttentionPartials Partials => _partials;

    /// <summary>Allocates as needed.</summary>
    /// <param name="rows">Most rows of a step.</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="partCount">Parts of 64 that hold a head.</param>
    /// <param name="chunks">Chunks of the longest sequence.</param>
    public void Reserve(int rows, int heads, int partCount, int chunks)
    {
        var pairs = Math.Max(AttentionGeometry.TileColumns * (long)chunks, Math.Min((long)rows * chunks, MaxPairs));
        if (pairs * heads > _partials.Totals.Length)
        {
            _partials.Totals = Allocate<SoftmaxTotal>(pairs * heads);
            _partials.TotalAddress = DeviceAddress.Of(accelerator, _partials.Totals);
        }

        if (pairs * heads * partCount * HeadPart.Size / 4 > _partials.Weighted.Length)
        {
            _partials.Weighted = Allocate<Float4>(pairs * heads * partCount * HeadPart.Size / 4);
            _partials.WeightedAddress = DeviceAddress.Of(accelerator, _partials.Weighted);
        }

        // A tile has at least one column.
        if ((long)rows * heads > _partials.Finished.Length)
        {
            _partials.Finished = Allocate<int>((long)rows * heads);
            _partials.FinishedAddress = DeviceAddress.Of(accelerator, _partials.Finished);
        }
    }

    /// <summary>Rows of one launch whose partial results fit: whole blocks of them, or else whole tiles.</summary>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="partCount">Parts of 64 that hold a head.</param>
    /// <param name="blockRows">Rows of a block: a multiple of a tile's.</param>
    public int RowsPerLaunch(in AttentionGeometry geometry, int partCount, int blockRows)
    {
        var loads = (long)geometry.Heads * geometry.Chunks;
        var rows = Math.Min(
            _partials.Totals.Length / loads,
            _partials.Weighted.Length / (loads * partCount * HeadPart.Size / 4)
        );
        return rows >= blockRows
            ? (int)(rows / blockRows) * blockRows
            : (int)Math.Max(rows / geometry.TileRows, 1) * geometry.TileRows;
    }

    public void Dispose() => _buffers.ForEach(buffer => buffer.Dispose());

    private ArrayView<T> Allocate<T>(long length)
        where T : unmanaged
    {
        var buffer = accelerator.AllocateElements<T>(length);
        buffer.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
        _buffers.Add(buffer);
        return buffer.View.BaseView;
    }
}
