using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>
/// An ILGPU context with its one accelerator. Each accelerator has a driver context of its own, and two contexts on a
/// card take turns; so the stages of a process that share a card share one device, each with its own stream.
/// </summary>
internal sealed class IlgpuDevice : IDisposable
{
    private static readonly Lock _lock = new();
    private static readonly Dictionary<int, IlgpuDevice> _openCards = [];

    private readonly Context _context;
    private readonly int? _cudaIndex;
    private int _users = 1;

    private IlgpuDevice(Context context, Accelerator accelerator, string name, string description, int? cudaIndex)
    {
        _cudaIndex = cudaIndex;
        _context = context;
        Accelerator = accelerator;
        Memory = MemoryOf(accelerator);
        Name = name;
        Description = description;
    }

    public Accelerator Accelerator { get; }

    /// <summary>The device as the command line names it.</summary>
    public string Name { get; }

    /// <summary>The device in words.</summary>
    public string Description { get; }

    /// <summary>
    /// The device's memory when this process opened it, before any of its stages took some of it. The simulator pretends to
    /// have 1 GiB.
    /// </summary>
    public DeviceMemory Memory { get; }

    /// <summary>The kind of card: those of one kind compute the same bits.</summary>
    public string Architecture => Accelerator is CudaAccelerator cuda ? $"cuda {cuda.Architecture}" : "simulator";

    /// <summary>Bytes of the device's last-level cache.</summary>
    public long CacheBytes => Accelerator is CudaAccelerator cuda ? cuda.Device.L2CacheSize : 1L << 20;

    /// <summary>Opens a CUDA card, or joins those who have it open; each must dispose it.</summary>
    /// <param name="index">Its CUDA ordinal.</param>
    public static IlgpuDevice OpenCuda(int index)
    {
        lock (_lock)
        {
            if (_openCards.TryGetValue(index, out var open))
            {
                open._users++;
                return open;
            }

            return _openCards[index] = CreateCuda(index);
        }
    }

    private static DeviceMemory MemoryOf(Accelerator accelerator)
    {
        if (accelerator is not CudaAccelerator)
        {
            return new DeviceMemory(1L << 30, 1L << 30);
        }

        var (free, total) = DeviceAllocation.MemoryOf(accelerator);
        return new DeviceMemory(free, total);
    }

    private static IlgpuDevice CreateCuda(int index)
    {
        CudaDriver.ResolveLibraries();
        var context = Context.Create(builder => Configure(builder.Cuda()));
        try
        {
            var accelerator = context.CreateCudaAccelerator(index);
            if (DependentLaunch.IsAvailable)
            {
                TargetHopper(accelerator.Capabilities);
            }

            return new IlgpuDevice(
                context,
                accelerator,
                $"cuda:{index}",
                $"{accelerator.Name}, {accelerator.NumMultiprocessors} multiprocessors, "
                    + $"{accelerator.MemorySize >> 30} GiB",
                index
            );
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>Opens ILGPU's simulator with the warps of an NVIDIA card: right, and thousands of times slower.</summary>
    public static IlgpuDevice OpenSimulator()
    {
        var context = Context.Create(builder => Configure(builder.CPU(CPUDevice.Nvidia)));
        var accelerator = context.CreateCPUAccelerator(0, CPUAcceleratorMode.Parallel);
        return new IlgpuDevice(context, accelerator, "simulator", "ILGPU's CPU simulator", cudaIndex: null);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (--_users > 0)
            {
                return;
            }

            if (_cudaIndex is { } index)
            {
                _openCards.Remove(index);
            }
        }

        Accelerator.Dispose();
        _context.Dispose();
    }

    /// <summary>
    /// ILGPU names compute capability 8.0 as the target of all newer cards, and the assembler then refuses what 9.0
    /// brought. The property has no public setter.
    /// </summary>
    internal static void TargetHopper(CapabilityContext capabilities) =>
        typeof(CudaCapabilityContext)
            .GetProperty("TargetArchitecture", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!
            .SetValue(capabilities, CudaArchitecture.SM_90);

    /// <summary>
    /// O2 turns generic loads into global ones and keeps inline-assembly results in registers; fast math turns divisions
    /// and roots into single instructions. Both were measured on the target card before the project began.
    /// </summary>
    internal static Context.Builder Configure(Context.Builder builder) =>
        builder.EnableAlgorithms().Optimize(OptimizationLevel.O2).Math(MathMode.Fast);
}
