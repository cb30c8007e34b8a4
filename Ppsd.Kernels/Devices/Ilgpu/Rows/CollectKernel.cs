using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// Writes rows to page-locked memory of the host's and, when all of them are there, the step's number: the host looks for
/// that and need not ask the driver.
/// </summary>
internal static class CollectKernel
{
    /// <summary>Threads of a group, each a value.</summary>
    public const int GroupSize = 256;

    /// <summary>Grid: groups of columns, rows; without rows one group, which only writes the step's number.</summary>
    /// <param name="step">The step's number.</param>
    /// <param name="source">[rows, stride].</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="width">Values of a row; 0 without rows.</param>
    /// <param name="target">The host's, [rows, width].</param>
    /// <param name="done">Groups that are done; zero between steps.</param>
    /// <param name="word">The host's; receives the step's number.</param>
    public static void Execute(
        ArrayView<int> step,
        ArrayView<float> source,
        int stride,
        int width,
        ArrayView<float> target,
        ArrayView<int> done,
        ArrayView<int> word
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var column = Grid.IdxX * GroupSize + Group.IdxX;
        if (column < width)
        {
            target[(long)Grid.IdxY * width + column] = source[(long)Grid.IdxY * stride + column];
        }

        Group.Barrier();
        if (Group.IdxX == 0)
        {
            // The group's values must reach the host before its count is seen, and all counts before the word.
            MemoryFence.SystemLevel();
            if (Atomic.Add(ref done[0], 1) == Grid.DimX * Grid.DimY - 1)
            {
                done[0] = 0;
                MemoryFence.SystemLevel();
                word[0] = step[0];
            }
        }
    }
}
