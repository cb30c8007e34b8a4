using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation;

namespace Ppsd.Host.Distillation;

/// <summary>The devices that heads are trained on, a stage each.</summary>
internal sealed class TrainingPlaces : IDisposable
{
    private readonly List<TrainingPlace> _all = [];

    private TrainingPlaces() { }

    /// <summary>The stages in order.</summary>
    public IReadOnlyList<TrainingPlace> All => _all;

    /// <summary>Opens the devices.</summary>
    /// <exception cref="DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static TrainingPlaces Open(DistillSettings settings)
    {
        var places = new TrainingPlaces();
        try
        {
            for (var i = 0; i < settings.Devices.Count; i++)
            {
                var layers = settings.Stages.Stages[i];
                var device = TrainingDeviceCatalog.Open(settings.Devices[i], settings.Threads);
                places._all.Add(new TrainingPlace(device, layers.First, layers.Count));
            }

            return places;
        }
        catch
        {
            places.Dispose();
            throw;
        }
    }

    public void Dispose() => _all.ForEach(place => place.Device.Dispose());
}
