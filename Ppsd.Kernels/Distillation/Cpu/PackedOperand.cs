using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The right operand of a product in the order in which <see cref="PanelProduct"/> reads it: panels of 32 outer values,
/// each [depth, 32], the last padded with zeros. Its memory grows as needed and is kept for the next contents.
/// </summary>
internal sealed unsafe class PackedOperand(MemoryTally tally) : IDisposable
{
    private AlignedMemory? _memory;

    /// <summary>Outer values: columns of the product.</summary>
    public int Count { get; private set; }

    /// <summary>Length of the product's sums.</summary>
    public int Depth { get; private set; }

    /// <summary>Panels.</summary>
    public int PanelCount => (Count + PanelProduct.Columns - 1) / PanelProduct.Columns;

    /// <summary>A panel from depth <paramref name="depth"/> on.</summary>
    public float* Panel(int panel, int depth) =>
        (float*)_memory!.Pointer + ((long)panel * Depth + depth) * PanelProduct.Columns;

    /// <summary>Bytes that contents of a shape take.</summary>
    public static long Bytes(int count, int depth) =>
        (long)((count + PanelProduct.Columns - 1) / PanelProduct.Columns)
        * depth
        * PanelProduct.Columns
        * sizeof(float);

    /// <summary>Makes room for contents of a shape; what it held is lost.</summary>
    public void Reshape(int count, int depth)
    {
        Count = count;
        Depth = depth;
        var bytes = Bytes(count, depth);
        if (_memory is null || _memory.ByteCount < bytes)
        {
            _memory?.Dispose();
            _memory = new AlignedMemory(bytes, tally);
        }
    }

    /// <summary>Fills one panel.</summary>
    public void PackPanel(Operand source, int panel)
    {
        var first = panel * PanelProduct.Columns;
        source
            .From(first, 0)
            .Pack(Math.Min(PanelProduct.Columns, Count - first), Depth, Panel(panel, 0), PanelProduct.Columns);
    }

    /// <summary>Fills all panels on the calling thread.</summary>
    public void Pack(Operand source, int count, int depth)
    {
        Reshape(count, depth);
        for (var panel = 0; panel < PanelCount; panel++)
        {
            PackPanel(source, panel);
        }
    }

    public void Dispose() => _memory?.Dispose();
}
