using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>The kernels of <see cref="ProductKernels"/> for one form of the ring, each compiled when it is first launched.</summary>
internal abstract class ProductLaunches
{
    public delegate void Projection(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        ProductSource source,
        ArrayView<float> y,
        int yStride
    );

    public delegate void Addition(
        AcceleratorStream stream,
        KernelConfig config,
        StepState step,
        ProductSource source,
        ArrayView<float> hidden,
        int hiddenStride,
        NormedRowsView normed
    );

    /// <summary>See <see cref="ProductKernels.Project"/>.</summary>
    public abstract Projection Project { get; }

    /// <summary>See <see cref="ProductKernels.ProjectGated"/>.</summary>
    public abstract Projection ProjectGated { get; }

    /// <summary>See <see cref="ProductKernels.AddToResidual"/>.</summary>
    public abstract Addition AddToResidual { get; }

    /// <summary>The kernels for rings of some depth.</summary>
    /// <param name="stages">One of <see cref="RingDepths"/>.</param>
    /// <param name="isQuad">True for units of up to four row blocks.</param>
    /// <param name="sharedLoads">Shared memory a group may have, in loads of sixteen bytes.</param>
    public static ProductLaunches Create(Accelerator accelerator, int stages, bool isQuad, int sharedLoads) =>
        (stages, isQuad) switch
        {
            (RingDepths.Deep, true) => new ProductLaunches<DeepQuadRing>(accelerator, sharedLoads),
            (RingDepths.Deep, false) => new ProductLaunches<DeepPairRing>(accelerator, sharedLoads),
            (RingDepths.Wide, true) => new ProductLaunches<WideQuadRing>(accelerator, sharedLoads),
            (RingDepths.Wide, false) => new ProductLaunches<WidePairRing>(accelerator, sharedLoads),
            (RingDepths.Middle, true) => new ProductLaunches<MiddleQuadRing>(accelerator, sharedLoads),
            (RingDepths.Middle, false) => new ProductLaunches<MiddlePairRing>(accelerator, sharedLoads),
            (_, true) => new ProductLaunches<SmallQuadRing>(accelerator, sharedLoads),
            _ => new ProductLaunches<SmallPairRing>(accelerator, sharedLoads),
        };
}

/// <summary>The kernels for one form.</summary>
/// <typeparam name="TForm">How the ring is built.</typeparam>
internal sealed class ProductLaunches<TForm>(Accelerator accelerator, int sharedLoads) : ProductLaunches
    where TForm : struct, IRingForm
{
    private Projection? _project;
    private Projection? _projectGated;
    private Addition? _addToResidual;

    public override Projection Project => _project ??= Load<Projection>(ProductKernels.Project<TForm>);

    public override Projection ProjectGated => _projectGated ??= Load<Projection>(ProductKernels.ProjectGated<TForm>);

    public override Addition AddToResidual => _addToResidual ??= Load<Addition>(ProductKernels.AddToResidual<TForm>);

    private TLauncher Load<TLauncher>(Delegate kernel)
        where TLauncher : Delegate =>
        SharedKernel.Load<TLauncher>(
            accelerator,
            kernel,
            ProductKernels.Specialization,
            Enumerable
                .Range(1, TensorCore.Width)
                .Where(width => RingDepths.Fitting(width, sharedLoads) == TForm.Stages)
                .Max(width => RingMemory.Loads(TForm.Stages, width)) * SharedCopy.LoadBytes
        );
}
