namespace Ppsd.Host.Terminal;

/// <summary>Tokens per second of both modes on the same stages, measured one right after the other.</summary>
internal sealed record ModeComparison(double Autoregressive, double Ppsd)
{
    /// <summary>How many times faster PPSD was.</summary>
    public double SpeedUp => Autoregressive <= 0 ? 0 : Ppsd / Autoregressive;
}
