using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Tests.Kernels.Ops;

[Parallelizable(ParallelScope.All)]
public sealed class CpuSwiGluTests
{
    // Sixteen values fill a vector; the last three are taken one by one.
    private static readonly float[] _gates =
    [
        -1e30f,
        -1e4f,
        -200f,
        -89f,
        -88f,
        -87f,
        -30f,
        -1f,
        0f,
        1f,
        30f,
        87f,
        88f,
        89f,
        200f,
        1e4f,
        -1e4f,
        -0.5f,
        1e30f,
    ];

    [Test]
    public unsafe void SwiGlu_holds_where_the_exponential_leaves_fp32()
    {
        var y = new float[_gates.Length];
        var up = Enumerable.Repeat(2f, _gates.Length).ToArray();
        fixed (float* gatePointer = _gates)
        fixed (float* upPointer = up)
        fixed (float* target = y)
        {
            CpuSwiGlu.Execute(gatePointer, upPointer, target, y.Length);
        }

        for (var i = 0; i < y.Length; i++)
        {
            var expected = _gates[i] / (1 + Math.Exp(-(double)_gates[i])) * 2;
            Assert.That(y[i], Is.EqualTo(expected).Within(1e-6 * Math.Abs(expected) + 1e-6), $"gate {_gates[i]}");
        }
    }
}
