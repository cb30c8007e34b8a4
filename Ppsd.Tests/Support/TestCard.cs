using System.Globalization;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Tests.Support;

/// <summary>
/// Where tests of kernels run: on ILGPU's simulator, or with PPSD_TEST_CARD=0 in the environment on the CUDA card of that number.
/// The references and bounds stay the same.
/// </summary>
internal static class TestCard
{
    private static readonly string? _card = Environment.GetEnvironmentVariable("PPSD_TEST_CARD");

    /// <summary>True when a card takes the simulator's place.</summary>
    public static bool IsAsked => !string.IsNullOrEmpty(_card);

    /// <summary>Opens the simulator or the card.</summary>
    public static IlgpuDevice Open() =>
        IsAsked ? IlgpuDevice.OpenCuda(int.Parse(_card!, CultureInfo.InvariantCulture)) : IlgpuDevice.OpenSimulator();

    /// <summary>
    /// What the simulator pretends to have; null on a card, which has what it has: there all back ends share the loaded kernels,
    /// and the shared memory of one is that of all.
    /// </summary>
    public static IlgpuLimits? Limits(int sharedBytes, int multiprocessors) =>
        IsAsked ? null : new IlgpuLimits(sharedBytes, multiprocessors);
}
