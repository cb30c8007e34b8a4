namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>How rotary frequencies are derived from theta.</summary>
public enum RopeKind
{
    /// <summary>Frequency i of a head of size d is theta^(-2i/d).</summary>
    Default,

    /// <summary>All default frequencies are divided by a factor.</summary>
    Linear,

    /// <summary>Llama 3.1: low frequencies are divided by a factor, high ones kept, those between blended.</summary>
    Llama3,
}
