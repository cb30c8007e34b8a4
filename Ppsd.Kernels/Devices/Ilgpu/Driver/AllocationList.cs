using System.Runtime.CompilerServices;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>
/// Buffers of device memory that <see cref="DeviceAllocation"/> made since somebody asked for the list, but for those that were
/// freed. For any thread.
/// </summary>
internal sealed class AllocationList
{
    private static readonly ConditionalWeakTable<Accelerator, AllocationList> _lists = [];

    private readonly Lock _lock = new();
    private readonly List<WeakReference<MemoryBuffer>> _buffers = [];
    private int _tidyAt = 64;

    private AllocationList() { }

    /// <summary>Bytes of the buffers that are there now.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _buffers.Sum(one =>
                    one.TryGetTarget(out var buffer) && !buffer.IsDisposed ? buffer.LengthInBytes : 0
                );
            }
        }
    }

    /// <summary>An accelerator's list; it is kept from the first call on.</summary>
    public static AllocationList Of(Accelerator accelerator) =>
        _lists.GetValue(accelerator, static _ => new AllocationList());

    /// <summary>Notes a buffer, where anybody asked.</summary>
    public static void Note(Accelerator accelerator, MemoryBuffer buffer)
    {
        if (_lists.TryGetValue(accelerator, out var list))
        {
            list.Add(buffer);
        }
    }

    private void Add(MemoryBuffer buffer)
    {
        lock (_lock)
        {
            _buffers.Add(new WeakReference<MemoryBuffer>(buffer));
            if (_buffers.Count >= _tidyAt)
            {
                _buffers.RemoveAll(one => !one.TryGetTarget(out var known) || known.IsDisposed);
                _tidyAt = 64 + 2 * _buffers.Count;
            }
        }
    }
}
