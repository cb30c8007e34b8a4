using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu.Step;

/// <summary>A kernel's view of its step; the host writes both words, the second at any time.</summary>
internal struct StepState
{
    /// <summary>Number of the step, in device memory.</summary>
    public ArrayView<int> Current;

    /// <summary>Number of the last cancelled step, in device memory.</summary>
    public ArrayView<int> Cancelled;

    /// <summary>1 when the step was cancelled, the same for all lanes of a warp; all 32 must arrive.</summary>
    public readonly int IsCancelled() => Warp.Shuffle(Current[0] == Cancelled[0] ? 1 : 0, 0);
}
