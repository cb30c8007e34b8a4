using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>joined[row] = [embedding of a token; features], what a chain head's input projection reads; one group a row.</summary>
internal static class JoinKernel
{
    public const int GroupSize = 128;

    /// <param name="table">[vocabSize, width].</param>
    /// <param name="source">Where tokens and features come from.</param>
    /// <param name="target">Receives the rows.</param>
    public static void TiledTable(RowContexts rows, TiledWeights table, JoinSource source, JoinTarget target)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        var token = source.TokenOf(rows, row);
        var feature = source.FeatureRowOf(rows, row);
        var words = table.Loads.Cast<uint>();
        var tile = (long)(token / TensorCore.TileRows) * table.TilesPerRow;
        for (var i = Group.IdxX; i < target.Width; i += Group.DimX)
        {
            // The place of a value in its tile: see TensorCore.
            var lane = token % 8 * 4 + i % TensorCore.TileColumns / 4;
            var word = token % TensorCore.TileRows / 8 + i % 4 / 2 * 2;
            var pair = words[(tile + i / TensorCore.TileColumns) * (4 * GroupSum.WarpSize) + lane * 4 + word];
            target.Put(
                row,
                i,
                i % 2 == 0 ? DeviceBFloat16.Low(pair) : DeviceBFloat16.High(pair),
                source.Feature(feature, i)
            );
        }
    }

    /// <summary>The same with an fp32 table, [vocabSize, tableStride].</summary>
    public static void Float32Table(
        RowContexts rows,
        ArrayView<float> table,
        int tableStride,
        JoinSource source,
        JoinTarget target
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        var first = (long)source.TokenOf(rows, row) * tableStride;
        var feature = source.FeatureRowOf(rows, row);
        for (var i = Group.IdxX; i < target.Width; i += Group.DimX)
        {
            target.Put(row, i, table[first + i], source.Feature(feature, i));
        }
    }
}

/// <summary>Where a row's token and features come from.</summary>
internal struct JoinSource
{
    /// <summary>Tokens that were drafted, one a row.</summary>
    public ArrayView<int> Tokens;

    /// <summary>1 when they count, 0 when the rows' own do.</summary>
    public int HasTokens;

    /// <summary>[rows or slots, stride].</summary>
    public ArrayView<float> Features;

    /// <summary>Values from one row of features to the next.</summary>
    public int Stride;

    /// <summary>
    /// 1 when they are stored by slot and the row's parent's are used; 0 when they are stored by row.
    /// </summary>
    public int AreParents;

    /// <summary>Where the rows' features begin.</summary>
    public int FirstRow;

    /// <summary>The row's token.</summary>
    public readonly int TokenOf(RowContexts rows, int row) => HasTokens != 0 ? Tokens[row] : rows.Token(row);

    /// <summary>The row of its features; -1 for none.</summary>
    public readonly int FeatureRowOf(RowContexts rows, int row)
    {
        if (AreParents == 0)
        {
            return FirstRow + row;
        }

        var context = rows.Context(row);
        return context.Length > 1 ? rows.Words[context.SlotWord(context.Length - 2)] : -1;
    }

    /// <summary>A value of a row of features; 0 of none.</summary>
    public readonly float Feature(int row, int column) => row < 0 ? 0f : Features[(long)row * Stride + column];
}

/// <summary>What a join writes.</summary>
internal struct JoinTarget
{
    /// <summary>[rows, 2 width] in <see cref="TileOrder"/>.</summary>
    public ArrayView<float> Joined;

    /// <summary>Values of a joined row with their padding.</summary>
    public int JoinedStride;

    /// <summary>[rows, stride]; becomes zero.</summary>
    public ArrayView<float> Cleared;

    /// <summary>Values from one cleared row to the next.</summary>
    public int ClearedStride;

    /// <summary>Values of an embedding.</summary>
    public int Width;

    /// <summary>Writes a column of both halves. The features may lie where the zero goes: this thread has read its own.</summary>
    public readonly void Put(int row, int column, float embedded, float feature)
    {
        Joined[TileOrder.At(row, column, JoinedStride)] = embedded;
        Joined[TileOrder.At(row, Width + column, JoinedStride)] = feature;
        Cleared[(long)row * ClearedStride + column] = 0f;
    }
}
