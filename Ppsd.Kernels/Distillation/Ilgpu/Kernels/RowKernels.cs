using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>Operations value by value: a thread a value, the grid is [rows, groups of columns].</summary>
internal static class RowKernels
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 128;

    /// <summary>target[r, to + i] = source[r, from + i].</summary>
    public static void CopyColumns(RowsView source, int from, RowsView target, int to, int width)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < width)
        {
            target.Values[target.At(Grid.IdxX, to + column)] = source.Values[source.At(Grid.IdxX, from + column)];
        }
    }

    /// <summary>target[r, to + i] += source[r, from + i].</summary>
    public static void AddColumns(RowsView source, int from, RowsView target, int to, int width)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < width)
        {
            target.Values[target.At(Grid.IdxX, to + column)] += source.Values[source.At(Grid.IdxX, from + column)];
        }
    }

    /// <summary>target[r] = 0.</summary>
    public static void Clear(RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < target.Width)
        {
            target.Values[target.At(Grid.IdxX, column)] = 0f;
        }
    }

    /// <summary>target[r] *= factor.</summary>
    public static void Scale(RowsView target, float factor)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < target.Width)
        {
            target.Values[target.At(Grid.IdxX, column)] *= factor;
        }
    }

    /// <summary>target[r] = table[tokens[r]].</summary>
    public static void Embed(ArrayView<ushort> table, ArrayView<int> tokens, RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < target.Width)
        {
            target.Values[target.At(Grid.IdxX, column)] = DeviceBFloat16.ToSingle(
                table[(long)tokens[Grid.IdxX] * target.Width + column]
            );
        }
    }

    /// <summary>target[i] = source[rows[first + i]], zeros where that is negative.</summary>
    public static void Gather(RowsView source, ArrayView<int> rows, int first, RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        var row = rows[first + Grid.IdxX];
        if (column < target.Width)
        {
            target.Values[target.At(Grid.IdxX, column)] = row >= 0 ? source.Values[source.At(row, column)] : 0f;
        }
    }

    /// <summary>target[rows[first + i]] += source[i].</summary>
    public static void ScatterAdd(RowsView source, ArrayView<int> rows, int first, RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        var row = rows[first + Grid.IdxX];
        if (column < source.Width && row >= 0)
        {
            target.Values[target.At(row, column)] += source.Values[source.At(Grid.IdxX, column)];
        }
    }

    /// <summary>target[r] = silu(gate) * up.</summary>
    public static void SwiGlu(RowsView gateUp, RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < target.Width)
        {
            var gate = gateUp.Values[gateUp.At(Grid.IdxX, column)];
            var up = gateUp.Values[gateUp.At(Grid.IdxX, target.Width + column)];
            target.Values[target.At(Grid.IdxX, column)] = gate / (1f + XMath.Exp(-gate)) * up;
        }
    }

    /// <summary>The gradient of <see cref="SwiGlu"/>.</summary>
    public static void SwiGluGradient(RowsView gateUp, RowsView dy, RowsView target)
    {
        var column = Grid.IdxY * GroupSize + Group.IdxX;
        if (column < dy.Width)
        {
            var gate = gateUp.Values[gateUp.At(Grid.IdxX, column)];
            var up = gateUp.Values[gateUp.At(Grid.IdxX, dy.Width + column)];
            var output = dy.Values[dy.At(Grid.IdxX, column)];
            var s = 1f / (1f + XMath.Exp(-gate));
            target.Values[target.At(Grid.IdxX, column)] = output * up * s * (1f + gate * (1f - s));
            target.Values[target.At(Grid.IdxX, dy.Width + column)] = output * gate * s;
        }
    }

    /// <summary>Rotates heads, a thread a pair; <paramref name="direction"/> is 1, or -1 to rotate back.</summary>
    public static void Rotate(
        RowsView heads,
        int pairs,
        int half,
        ArrayView<float> cosines,
        ArrayView<float> sines,
        ArrayView<int> positions,
        float direction
    )
    {
        var pair = Grid.IdxY * GroupSize + Group.IdxX;
        if (pair < pairs)
        {
            var i = pair % half;
            var angle = (long)positions[Grid.IdxX] * half + i;
            var at = heads.At(Grid.IdxX, pair / half * 2 * half + i);
            var (x, y) = (heads.Values[at], heads.Values[at + half]);
            var sine = sines[angle] * direction;
            heads.Values[at] = x * cosines[angle] - y * sine;
            heads.Values[at + half] = y * cosines[angle] + x * sine;
        }
    }
}
