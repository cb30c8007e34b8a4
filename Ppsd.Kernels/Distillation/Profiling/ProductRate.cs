using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Profiling;

/// <summary>How fast a device multiplies matrices when it does nothing else: what training is measured against.</summary>
internal static class ProductRate
{
    private const double Seconds = 0.3;

    /// <summary>Repeats a layer's largest product, [rows, hidden] times [2 * intermediate, hidden] transposed.</summary>
    /// <param name="device">Where.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="rows">Rows of a pass.</param>
    /// <param name="clock">Times it.</param>
    /// <returns>Multiplications and additions a second.</returns>
    public static double Measure(TrainingDevice device, ModelConfig config, int rows, TimeProvider clock)
    {
        var (inputs, outputs) = (config.HiddenSize, 2 * config.IntermediateSize);
        using var x = device.Allocate(rows, inputs);
        using var y = device.Allocate(rows, outputs);
        using var weight = device.AllocateTrained(outputs, inputs);
        var random = new Random(1);
        device.Upload(Values(random, rows * inputs), x, rows);
        weight.Write(TrainedPart.Values, Values(random, outputs * inputs));

        // The first lays the weights out and compiles.
        device.Product(x, weight, y, rows, adds: false);
        device.Wait();
        var started = clock.GetTimestamp();
        var times = 0;
        do
        {
            device.Product(x, weight, y, rows, adds: false);
            device.Wait();
            times++;
        } while (clock.GetElapsedTime(started).TotalSeconds < Seconds);

        return 2.0 * rows * inputs * outputs * times / clock.GetElapsedTime(started).TotalSeconds;
    }

    private static float[] Values(Random random, int count)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
        {
            value = random.NextSingle() - 0.5f;
        }

        return values;
    }
}
