namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>How rotary frequencies are derived from theta.</summary>
public enum RopeKind
{
    /// <summary>Frequency i of a head of size d is theta^(-2i/d).</summary>
    Default,

    /// <summary>All default frequencies are divided by a factor.</summary>
    Linear,

    /// <summary>
    /// YaRN (Peng et al. 2023): frequencies that turn often within the original context are kept, those that turn rarely
    /// divided by a factor, those between blended; cosines and sines are scaled.
    /// </summary>
    Yarn,

    /// <summary>
    /// Dynamic NTK: beyond the original context the base grows with the position. A position's frequencies are those of a
    /// sequence that ends there, so they do not depend on how the sequence was cut.
    /// </summary>
    Dynamic,

    /// <summary>
    /// LongRoPE (Ding et al. 2024): a divisor for each frequency, one list within the original context and another beyond;
    /// cosines and sines are scaled.
    /// </summary>
    LongRope,

    /// <summary>Llama 3.1: low frequencies are divided by a factor, high ones kept, those between blended.</summary>
    Llama3,
}
