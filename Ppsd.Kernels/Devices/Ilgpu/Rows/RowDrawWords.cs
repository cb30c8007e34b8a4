namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Draws requested for a row, as kernels read them; see <see cref="Sampling.DrawSettings"/>.</summary>
internal struct RowDrawWords
{
    /// <summary>Number of tokens; 0 for none.</summary>
    public int Drafts;

    /// <summary>Multiplies the logits.</summary>
    public float Scale;

    /// <summary>1 unless the draw is greedy.</summary>
    public int HasNoise;

    /// <summary>Tokens kept; 0 for all.</summary>
    public int TopK;

    /// <summary>Share of the kept tokens' weight that is kept.</summary>
    public int TopPShare;

    /// <summary>Logarithm of the least probability kept, relative to the most probable token's.</summary>
    public float LogMinP;

    /// <summary>Position the token will have in its sequence.</summary>
    public int Position;

    /// <summary>Key of the noise.</summary>
    public ulong Seed;

    /// <summary>True when some tokens may be excluded.</summary>
    public readonly bool HasFilters =>
        TopK > 0 || TopPShare < Sampling.TokenWeight.Whole || LogMinP > float.NegativeInfinity;
}
