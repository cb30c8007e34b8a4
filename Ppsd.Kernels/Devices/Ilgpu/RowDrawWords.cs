namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>What a row wants drawn, as kernels read it; see <see cref="Sampling.DrawSettings"/>.</summary>
internal struct RowDrawWords
{
    /// <summary>How many tokens; 0 for none.</summary>
    public int Drafts;

    /// <summary>Multiplies the logits.</summary>
    public float Scale;

    /// <summary>1 unless the draw is greedy.</summary>
    public int HasNoise;

    /// <summary>Position the token will have in its sequence.</summary>
    public int Position;

    /// <summary>Key of the noise.</summary>
    public ulong Seed;
}
