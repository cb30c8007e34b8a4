using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Catalog;

/// <summary>
/// The energy that CUDA cards take, all of each card, as their driver's management library counts it (NVML,
/// <c>nvmlDeviceGetTotalEnergyConsumption</c>). The counter moves every tenth of a second or so: measure a second or more. One thread.
/// </summary>
public sealed class CardEnergy : IDisposable
{
    private readonly List<NvmlDevice> _cards = [];

    // ILGPU asks for the name that only a driver's development files have.
    static CardEnergy() =>
        NativeLibrary.SetDllImportResolver(
            typeof(NvmlDevice).Assembly,
            (name, _, _) =>
                name == "nvidia-ml.so" && NativeLibrary.TryLoad("libnvidia-ml.so.1", out var library) ? library : 0
        );

    private CardEnergy() { }

    /// <summary>Energy that the cards have taken since their driver was loaded, in joules.</summary>
    public double Joules => _cards.Sum(Read);

    /// <summary>Opens the counters of these devices, each counted once.</summary>
    /// <returns>Null where a device does not count: the processor, old cards and slices of a card.</returns>
    public static CardEnergy? TryOpen(IEnumerable<string> devices)
    {
        var energy = new CardEnergy();
        try
        {
            foreach (var device in devices.Distinct())
            {
                if (DeviceCatalog.BusIdOf(device) is not { } busId)
                {
                    energy.Dispose();
                    return null;
                }

                energy._cards.Add(NvmlDevice.CreateFromPciBusId(busId));
            }

            _ = energy.Joules;
            return energy;
        }
        catch (Exception e) when (e is NvmlException or DllNotFoundException or EntryPointNotFoundException)
        {
            energy.Dispose();
            return null;
        }
    }

    /// <summary>Closes the counters.</summary>
    public void Dispose() => _cards.ForEach(card => card.Dispose());

    private static double Read(NvmlDevice card)
    {
        NvmlException.ThrowIfFailed(card.API.DeviceGetTotalEnergyConsumption(card.DeviceHandle, out var millijoules));
        return millijoules / 1e3;
    }
}
