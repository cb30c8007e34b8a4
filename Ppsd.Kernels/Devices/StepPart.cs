namespace Ppsd.Kernels.Devices;

/// <summary>A sequence of operations that every step of a stage repeats; see <see cref="Backend.Run"/>.</summary>
internal enum StepPart
{
    /// <summary>The stage's layers, from the embedding or the uploaded hidden states on.</summary>
    Layers,

    /// <summary>The same without the sublayers that a cheaper pass skips; its first row is the number of their set.</summary>
    KeptSublayers,

    /// <summary>An exit head.</summary>
    ExitHead,

    /// <summary>A chain head that goes on behind a token that has not entered.</summary>
    DraftBehind,

    /// <summary>The target head.</summary>
    TargetHead,
}
