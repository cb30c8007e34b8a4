namespace Ppsd.Host.Bench;

/// <summary>Time of each part of a model, cut after an exit layer, for one candidate.</summary>
/// <param name="ExitLayer">Layers before the cut.</param>
/// <param name="Length">Tokens of text before the candidate.</param>
/// <param name="FirstMs">Milliseconds of the layers before the cut.</param>
/// <param name="ExitHeadMs">Milliseconds of the exit head; NaN where it is not after that layer.</param>
/// <param name="RestMs">Milliseconds of the layers after the cut.</param>
/// <param name="TargetHeadMs">Milliseconds of the target head.</param>
/// <param name="TransferMs">Milliseconds that the hidden state takes over a hop.</param>
internal sealed record DepthTiming(
    int ExitLayer,
    int Length,
    double FirstMs,
    double ExitHeadMs,
    double RestMs,
    double TargetHeadMs,
    double TransferMs
)
{
    /// <summary>A hop's time over that of the layers before it.</summary>
    public double TransferShare => TransferMs / FirstMs;
}
