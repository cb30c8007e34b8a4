using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// The input rows of a product as its blocks read them: for each block of R rows a panel [column pairs, 2R], of every pair the R
/// values of its even column and then those of its odd one. Rows that the last block lacks are zeros.
/// </summary>
internal sealed unsafe class RowPanels : ITeamWork, IDisposable
{
    /// <summary>Values from which on threads share the work.</summary>
    private const int LeastShared = 1 << 15;

    private AlignedMemory? _memory;
    private CpuActivations _x = null!;
    private int _rows;
    private int _pairs;

    /// <summary>Packs the first rows.</summary>
    /// <param name="x">Rows, of even length in memory.</param>
    /// <param name="rows">How many of them.</param>
    /// <param name="pairs">Column pairs.</param>
    /// <param name="team">Does it.</param>
    public void Pack(CpuActivations x, int rows, int pairs, WorkerTeam team)
    {
        (_x, _rows, _pairs) = (x, rows, pairs);
        var needed = (long)(rows + MatMulBlocks.MostRows) * 2 * pairs * sizeof(float);
        if (_memory is null || _memory.ByteCount < needed)
        {
            _memory?.Dispose();
            _memory = new AlignedMemory(needed);
        }

        team.Run(this, isSmall: rows * 2 * pairs < LeastShared);
    }

    /// <summary>Rows of the next block, as the processor's vectors have them.</summary>
    public static int RowsOfNext(int left) =>
        Vector512.IsHardwareAccelerated ? MatMulBlocks.RowsOfNext(left) : MatMulBlocks256.RowsOfNext(left);

    /// <summary>The panel that starts with a row.</summary>
    public float* Panel(int firstRow) => (float*)_memory!.Pointer + (long)firstRow * 2 * _pairs;

    /// <inheritdoc />
    public void Execute(int part, int parts)
    {
        var (first, end) = WorkerTeam.Share(_pairs, part, parts);
        for (var row = 0; row < _rows; )
        {
            var rows = RowsOfNext(_rows - row);
            var panel = Panel(row) + (long)first * 2 * rows;
            var held = Math.Min(rows, _rows - row);
            for (var k = first; k < end; k++)
            {
                var x = _x.Row(row) + 2 * k;
                for (var r = 0; r < held; r++, x += _x.Stride)
                {
                    panel[r] = x[0];
                    panel[rows + r] = x[1];
                }

                for (var r = held; r < rows; r++)
                {
                    panel[r] = panel[rows + r] = 0;
                }

                panel += 2 * rows;
            }

            row += rows;
        }
    }

    public void Dispose() => _memory?.Dispose();
}
