using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// A thread's place in the ring of stages of <see cref="WarpgroupProductKernel"/>. Each stage has two barriers behind the ring: one
/// ends a phase when the stage's operands have arrived, the other when all warps that multiply have done with them.
/// </summary>
/// <typeparam name="TForm">Rows of a tile.</typeparam>
internal struct RingPlace<TForm>
    where TForm : struct, IWarpgroupForm
{
    private const int PairBytes = 2 * SharedBarrier.Bytes;

    private int _start;
    private int _stage;
    private int _parity;

    /// <summary>The stage's first load.</summary>
    public readonly int Load => _stage * WarpgroupProductKernel.StageLoads<TForm>();

    /// <summary>Address of the barrier of what has arrived.</summary>
    public readonly int Full =>
        _start + TForm.Stages * WarpgroupProductKernel.StageLoads<TForm>() * SharedCopy.LoadBytes + _stage * PairBytes;

    /// <summary>Address of the barrier of what may be copied over.</summary>
    public readonly int Free => Full + SharedBarrier.Bytes;

    /// <summary>The first stage.</summary>
    /// <param name="start">From <see cref="SharedCopy.Start"/>.</param>
    public static RingPlace<TForm> Begin(int start) => new() { _start = start };

    /// <summary>Begins the phases of all barriers; one thread, at the first stage, before a group's barrier.</summary>
    public readonly void InitializeBarriers()
    {
        var place = this;
        for (var i = 0; i < TForm.Stages; i++)
        {
            SharedBarrier.Initialize(place.Full, 1);
            SharedBarrier.Initialize(place.Free, WarpgroupProductKernel.WarpCount);
            place.Next();
        }

        SharedBarrier.PublishInitialized();
    }

    /// <summary>Waits until the stage's operands have arrived.</summary>
    public readonly void WaitForFull() => SharedBarrier.Wait(Full, _parity);

    /// <summary>Waits until the stage may be filled again; at once the first time round.</summary>
    public readonly void WaitForFree() => SharedBarrier.Wait(Free, _parity ^ 1);

    /// <summary>To the next stage. No branch: loops have few other instructions.</summary>
    public void Next()
    {
        var next = _stage + 1;
        var isInside = (next - TForm.Stages) >> 31;
        _stage = next & isInside;
        _parity ^= ~isInside & 1;
    }
}
