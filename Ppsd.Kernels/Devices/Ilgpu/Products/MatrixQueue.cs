using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products;

/// <summary>
/// Everything a matrix needs to queue its operations: the stage's stream, the kernels and the current step.
/// </summary>
/// <param name="kernels">One kernel an operation.</param>
/// <param name="narrow">Products for a few rows.</param>
/// <param name="wide">Products for many.</param>
internal sealed class MatrixQueue(
    AcceleratorStream stream,
    IlgpuKernels kernels,
    NarrowProducts narrow,
    ManyRowProducts wide
)
{
    public AcceleratorStream Stream { get; } = stream;

    public IlgpuKernels Kernels { get; } = kernels;

    public NarrowProducts Narrow { get; } = narrow;

    public ManyRowProducts Wide { get; } = wide;

    /// <summary>The current step, as kernels see it.</summary>
    public StepState Step { get; set; }

    /// <summary>Its rows.</summary>
    public RowContexts Contexts { get; set; }

    /// <summary>Rows in it.</summary>
    public int Rows { get; set; }

    /// <summary>Queues y[r] = norm of x[firstRow + r].</summary>
    public void Norm(IlgpuActivations x, int firstRow, int rows, Norm norm, IlgpuNormedRows y) =>
        Kernels.Norm(
            Stream,
            new KernelConfig(rows, NormKernel.GroupSize),
            x.Rows(firstRow, rows),
            y.For(norm),
            Wide.PartsOfNormed(y, rows)
        );

    /// <summary>Queues y[r] = silu(gate) * up, of gate and up side by side in a row.</summary>
    public void SwiGlu(IlgpuActivations gateUp, IlgpuProductInput y, int rows)
    {
        Wide.ForgetParts();
        var groups = (y.Width + SwiGluKernel.GroupSize - 1) / SwiGluKernel.GroupSize;
        Kernels.SwiGlu(
            Stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(SwiGluKernel.GroupSize, 1)),
            gateUp.View,
            gateUp.Stride,
            y.View,
            y.Width,
            y.Stride
        );
    }
}
