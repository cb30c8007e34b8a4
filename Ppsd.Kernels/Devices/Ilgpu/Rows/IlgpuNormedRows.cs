using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Half-normed rows; see <see cref="NormScale"/>.</summary>
internal sealed class IlgpuNormedRows : NormedRows
{
    private readonly IlgpuProductInput _values;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _partials;
    private NormedRowsView _view;

    public IlgpuNormedRows(Accelerator accelerator, int capacity, int width)
        : base(capacity, width)
    {
        _values = new IlgpuProductInput(accelerator, capacity, width);
        _partials = accelerator.AllocateElements<float>((long)capacity * NormScale.BlockCount(width));
        _view = new NormedRowsView
        {
            Values = _values.View,
            Partials = _partials.View.BaseView,
            Stride = _values.Stride,
            Blocks = NormScale.BlockCount(width),
            InverseWidth = 1f / width,
        };
    }

    /// <summary>The rows as a product reads them: with the norm they were last written for.</summary>
    public NormedRowsView View => _view;

    /// <summary>The rows as a kernel writes them for a norm.</summary>
    public NormedRowsView For(Norm norm)
    {
        _view.Weight = ((IlgpuVector)norm.Weight).View;
        _view.Epsilon = norm.Epsilon;
        return _view;
    }

    public override void Dispose()
    {
        _values.Dispose();
        _partials.Dispose();
    }
}
