using System.Runtime.CompilerServices;
using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// A product of a block of rows on one thread: C[rows, count] = (adds ? C : 0) + left[rows, depth] right[count, depth]^T.
/// Sums run over blocks of the depth in order, so a result does not depend on how rows were cut into blocks.
/// Holds scratch; one instance per thread.
/// </summary>
internal sealed unsafe class BlockProduct(MemoryTally tally) : IDisposable
{
    /// <summary>Rows of a block: their packed values fit the second-level cache beside a panel of the right operand.</summary>
    public const int MaxRows = 8 * PanelProduct.Rows;

    /// <summary>Longest part of the sums taken at once: a right panel of that depth stays in the first-level cache.</summary>
    private const int MaxDepth = 192;

    private const long LeftBytes = (long)MaxRows * MaxDepth * sizeof(float);
    private const long EdgeBytes = PanelProduct.Rows * PanelProduct.Columns * sizeof(float);

    /// <summary>Bytes of an instance's scratch.</summary>
    public const long ScratchBytes = LeftBytes + EdgeBytes;

    private readonly AlignedMemory _left = new(LeftBytes, tally);
    private readonly AlignedMemory _edge = new(EdgeBytes, tally);

    /// <summary>Computes a block of up to <see cref="MaxRows"/> rows.</summary>
    /// <param name="left">Left operand; its outer values are the rows.</param>
    /// <param name="right">Right operand; its outer values are the columns.</param>
    /// <param name="firstDepth">Depth of the right operand at which the left one begins.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="columns">Columns to compute.</param>
    /// <param name="c">Result.</param>
    /// <param name="stride">Values from one row of the result to the next.</param>
    /// <param name="adds">False to overwrite.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Execute(
        Operand left,
        int rows,
        PackedOperand right,
        int firstDepth,
        int depth,
        int columns,
        float* c,
        long stride,
        bool adds
    )
    {
        var blocks = Math.Max(1, (depth + MaxDepth - 1) / MaxDepth);
        var blockDepth = (depth + blocks - 1) / blocks;
        for (var start = 0; start < depth; start += blockDepth)
        {
            var length = Math.Min(blockDepth, depth - start);
            var packed = (float*)_left.Pointer;
            for (var row = 0; row < rows; row += PanelProduct.Rows)
            {
                left.From(row, start)
                    .Pack(
                        Math.Min(PanelProduct.Rows, rows - row),
                        length,
                        packed + (long)row * length,
                        PanelProduct.Rows
                    );
            }

            for (var column = 0; column < columns; column += PanelProduct.Columns)
            {
                var panel = right.Panel(column / PanelProduct.Columns, firstDepth + start);
                for (var row = 0; row < rows; row += PanelProduct.Rows)
                {
                    Tile(
                        packed + (long)row * length,
                        panel,
                        length,
                        c + row * stride + column,
                        stride,
                        adds || start > 0,
                        Math.Min(PanelProduct.Rows, rows - row),
                        Math.Min(PanelProduct.Columns, columns - column)
                    );
                }
            }
        }
    }

    private void Tile(float* left, float* right, int depth, float* c, long stride, bool adds, int rows, int columns)
    {
        if (rows == PanelProduct.Rows && columns == PanelProduct.Columns)
        {
            PanelProduct.Execute(left, right, depth, c, stride, adds);
            return;
        }

        // A tile that reaches over the edge is computed aside, so that nothing beyond the result is written.
        var edge = (float*)_edge.Pointer;
        PanelProduct.Execute(left, right, depth, edge, PanelProduct.Columns, adds: false);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var value = edge[row * PanelProduct.Columns + column];
                c[row * stride + column] = adds ? c[row * stride + column] + value : value;
            }
        }
    }

    public void Dispose()
    {
        _left.Dispose();
        _edge.Dispose();
    }
}
