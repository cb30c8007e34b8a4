using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>One layer's cache on a device, and what steps do with it.</summary>
internal sealed class AttentionPool
{
    private readonly BackendUnderTest _device;
    private readonly AttentionShape _shape;
    private readonly KvMemory _kv;
    private readonly RotaryMemory _rotary;

    public AttentionPool(
        BackendUnderTest device,
        RopeParameters rope,
        AttentionShape shape,
        int slotCount,
        int maxLength
    )
    {
        _device = device;
        _shape = shape;
        _kv = device.Owned(device.Backend.AllocateKv(new KvShape(slotCount, shape.KvHeadCount, shape.HeadSize)));
        var table = new RotaryTable(rope, shape.HeadSize, maxLength, ElementType.Float32);
        _rotary = device.Owned(device.Backend.LoadRotary(table));
    }

    public void Store(float[][] rows, StepBatch batch)
    {
        var qkv = _device.Rows(rows);
        _device.Backend.BeginStep(batch);
        _device.Backend.AppendKv(qkv, _shape, _rotary, _kv);
    }

    public float[][] Attend(float[][] rows, StepBatch batch)
    {
        var qkv = _device.Rows(rows);
        var y = _device.PoisonedInput(rows.Length, _shape.QueryWidth);
        _device.Backend.BeginStep(batch);
        _device.Backend.Attend(qkv, _shape, _rotary, _kv, y);
        return _device.Read(y, rows.Length);
    }
}
