using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>y[row] = x[row] / sqrt(mean(x[row]^2) + epsilon) * weight; one group a row.</summary>
internal static class RmsNormKernel
{
    public const int GroupSize = 256;
    private const int WarpCount = GroupSize / GroupSum.WarpSize;

    /// <param name="x">[rows, stride].</param>
    /// <param name="weight">[width].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">[rows, stride].</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="stride">Values from one row to the next, of x and of y.</param>
    public static void Execute(
        ArrayView<float> x,
        ArrayView<float> weight,
        float epsilon,
        ArrayView<float> y,
        int width,
        int stride
    )
    {
        var partial = SharedMemory.Allocate<float>(WarpCount);
        var scale = SharedMemory.Allocate<float>(1);
        var row = (long)Grid.IdxX * stride;
        var squares = 0f;
        for (var i = Group.IdxX; i < width; i += GroupSize)
        {
            var value = x[row + i];
            squares += value * value;
        }

        squares = GroupSum.OverWarp(squares);
        if (Group.IdxX % GroupSum.WarpSize == 0)
        {
            partial[Group.IdxX / GroupSum.WarpSize] = squares;
        }

        Group.Barrier();

        // Published through shared memory: computed where it is used, the compiler sinks the root into the loop.
        if (Group.IdxX == 0)
        {
            var sum = 0f;
            for (var warp = 0; warp < WarpCount; warp++)
            {
                sum += partial[warp];
            }

            scale[0] = 1f / XMath.Sqrt(sum / width + epsilon);
        }

        Group.Barrier();
        for (var i = Group.IdxX; i < width; i += GroupSize)
        {
            y[row + i] = x[row + i] * scale[0] * weight[i];
        }
    }
}
