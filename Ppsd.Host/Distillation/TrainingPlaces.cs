using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Profiling;

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
    public static TrainingPlaces Open(DistillSettings settings, TimeProvider clock)
    {
        var places = new TrainingPlaces();
        try
        {
            for (var i = 0; i < settings.Devices.Count; i++)
            {
                var layers = settings.Stages.Stages[i];
                var opened = TrainingDeviceCatalog.Open(settings.Devices[i], settings.Threads);
                var device = settings.Profiles ? new ProfiledTrainingDevice(opened, clock) : opened;
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

    /// <summary>Where the time of all stages went.</summary>
    /// <param name="config">The model's shape.</param>
    /// <param name="rows">Rows of a pass.</param>
    /// <param name="clock">Times a product beside.</param>
    public IEnumerable<string> Profile(ModelConfig config, int rows, TimeProvider clock)
    {
        var sum = new TrainingProfile();
        foreach (var place in _all)
        {
            sum.Add(((ProfiledTrainingDevice)place.Device).Profile);
        }

        _all[0].Device.EnterThread();
        return sum.Seconds > 0
            ? ProfileReport.Lines(sum, ProductRate.Measure(_all[0].Device, config, rows, clock))
            : [];
    }

    public void Dispose() => _all.ForEach(place => place.Device.Dispose());
}
