namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>Groups of eight values: one lane's load of a key or value.</summary>
internal static class ColumnGroups
{
    /// <summary>Values of a group.</summary>
    public const int Size = 8;

    /// <summary>Groups that hold <paramref name="columns"/>.</summary>
    public static int Count(int columns) => (columns + Size - 1) / Size;

    /// <summary>Values padded to whole groups.</summary>
    public static int RoundUp(int columns) => Count(columns) * Size;
}
