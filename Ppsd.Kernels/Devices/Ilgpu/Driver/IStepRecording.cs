namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>Operations that can be queued again together.</summary>
internal interface IStepRecording : IDisposable
{
    /// <summary>Queues them.</summary>
    void Launch();
}
