namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>Sixteen bytes loaded at once (ld.global.v4): eight bf16 weights, two a word.</summary>
internal struct UInt4
{
    public uint X;
    public uint Y;
    public uint Z;
    public uint W;
}

/// <summary>Sixteen bytes loaded at once: four fp32 values.</summary>
internal struct Float4
{
    public float X;
    public float Y;
    public float Z;
    public float W;
}
