using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products;

/// <summary>A weight matrix on a device behind ILGPU: its layout, and the operations of that layout.</summary>
internal abstract class IlgpuMatrix(int rows, int columns) : WeightMatrix(rows, columns)
{
    /// <summary>Queues hidden[r] = this row, that of row r's token, times a factor.</summary>
    public abstract void Embed(IlgpuActivations hidden, float factor);

    /// <summary>Queues joined[r] = [this row, that of a token; features], and zeros; see <see cref="JoinKernel"/>.</summary>
    public abstract void Join(in JoinSource source, in JoinTarget target);

    /// <summary>Queues y[r] = W norm(x[r]).</summary>
    public abstract void Multiply(IlgpuNormedRows x, IlgpuActivations y, int rows);

    /// <summary>Queues y[r] = silu(gate norm(x[r])) * (up norm(x[r])).</summary>
    /// <param name="x">Input.</param>
    /// <param name="scratch">[rows, 2 inner], for a layout that does it in two steps.</param>
    /// <param name="y">[rows, inner].</param>
    public abstract void MultiplyGated(IlgpuNormedRows x, IlgpuActivations scratch, IlgpuProductInput y, int rows);

    /// <summary>Queues hidden[r] += W x[r]; then, if a norm follows, normed[r] = norm of hidden[r].</summary>
    public abstract void AddTo(
        IlgpuProductInput x,
        IlgpuActivations hidden,
        int rows,
        Norm? next,
        IlgpuNormedRows? normed
    );
}
