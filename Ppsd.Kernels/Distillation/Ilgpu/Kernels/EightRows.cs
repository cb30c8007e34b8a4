using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>A thread's sums of one column for eight rows, in registers: an array would lie in memory.</summary>
internal struct EightRows
{
    public float R0;
    public float R1;
    public float R2;
    public float R3;
    public float R4;
    public float R5;
    public float R6;
    public float R7;

    /// <summary>Each row's sum plus its factor times one value.</summary>
    public readonly EightRows Add(Float4 low, Float4 high, float value) =>
        new()
        {
            R0 = R0 + low.X * value,
            R1 = R1 + low.Y * value,
            R2 = R2 + low.Z * value,
            R3 = R3 + low.W * value,
            R4 = R4 + high.X * value,
            R5 = R5 + high.Y * value,
            R6 = R6 + high.Z * value,
            R7 = R7 + high.W * value,
        };

    /// <summary>Each row's sum times its factor.</summary>
    public readonly EightRows Scale(Float4 low, Float4 high) =>
        new()
        {
            R0 = R0 * low.X,
            R1 = R1 * low.Y,
            R2 = R2 * low.Z,
            R3 = R3 * low.W,
            R4 = R4 * high.X,
            R5 = R5 * high.Y,
            R6 = R6 * high.Z,
            R7 = R7 * high.W,
        };

    /// <summary>Writes the sums of rows that exist.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="row">First row.</param>
    /// <param name="end">First row beyond.</param>
    /// <param name="column">Column.</param>
    /// <param name="adds">1 to add to what is there.</param>
    public readonly void Store(RowsView target, int row, int end, int column, int adds)
    {
        StoreOne(target, row, end, column, adds, R0);
        StoreOne(target, row + 1, end, column, adds, R1);
        StoreOne(target, row + 2, end, column, adds, R2);
        StoreOne(target, row + 3, end, column, adds, R3);
        StoreOne(target, row + 4, end, column, adds, R4);
        StoreOne(target, row + 5, end, column, adds, R5);
        StoreOne(target, row + 6, end, column, adds, R6);
        StoreOne(target, row + 7, end, column, adds, R7);
    }

    private static void StoreOne(RowsView target, int row, int end, int column, int adds, float value)
    {
        if (row < end)
        {
            var at = target.At(row, column);
            target.Values[at] = adds == 1 ? target.Values[at] + value : value;
        }
    }
}
