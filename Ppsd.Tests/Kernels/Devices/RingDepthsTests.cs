using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>How far a product copies ahead.</summary>
public sealed class RingDepthsTests
{
    /// <summary>Shared memory of a group on compute capability 9.0, 8.0 and 8.9.</summary>
    [TestCase(227, 1, RingDepths.Deep)]
    [TestCase(227, 2, RingDepths.Deep)]
    [TestCase(227, 3, RingDepths.Wide)]
    [TestCase(227, 8, RingDepths.Wide)]
    [TestCase(163, 1, RingDepths.Wide)]
    [TestCase(163, 8, RingDepths.Middle)]
    [TestCase(99, 1, RingDepths.Middle)]
    [TestCase(99, 8, RingDepths.Small)]
    public void The_deepest_ring_is_taken_that_fits_beside_the_sums(int sharedKibibytes, int width, int stages)
    {
        var loads = sharedKibibytes * 1024 / SharedCopy.LoadBytes;

        Assert.That(RingDepths.Fitting(width, loads), Is.EqualTo(stages));
        Assert.That(RingMemory.Loads(stages, width), Is.LessThanOrEqualTo(loads));
    }
}
