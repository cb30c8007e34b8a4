using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>
/// logits[row, token] = listed[row, place of token], minus infinity for a token without a place; a thread for each token of a
/// row.
/// </summary>
internal static class SpreadKernel
{
    public const int GroupSize = 256;

    /// <param name="places">The place of each token of the vocabulary in the list; -1 for none.</param>
    /// <param name="listed">[rows, listedStride].</param>
    /// <param name="listedStride">Values from one listed row to the next.</param>
    /// <param name="logits">[rows, stride].</param>
    /// <param name="stride">Values from one row of logits to the next.</param>
    public static void Execute(
        ArrayView<int> places,
        ArrayView<float> listed,
        int listedStride,
        ArrayView<float> logits,
        int stride
    )
    {
        DependentLaunch.Release();
        var token = Grid.IdxX * GroupSize + Group.IdxX;
        var place = token < places.IntLength ? places[token] : -1;

        // Also before the first write: the step before may still read these logits.
        DependentLaunch.Wait();
        if (token < places.IntLength)
        {
            logits[(long)Grid.IdxY * stride + token] =
                place >= 0 ? listed[(long)Grid.IdxY * listedStride + place] : float.NegativeInfinity;
        }
    }
}
