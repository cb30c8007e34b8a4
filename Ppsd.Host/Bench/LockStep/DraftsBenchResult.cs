using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>Texts decoded in lock-step, with and without drafts.</summary>
/// <param name="Drafted">With drafts.</param>
/// <param name="Plain">The same prompts without.</param>
/// <param name="Predicted">Tokens per second by measured costs; null without costs.</param>
internal sealed record DraftsBenchResult(
    PipelineFormed Formed,
    IReadOnlyList<LockStepText> Drafted,
    IReadOnlyList<LockStepText> Plain,
    PredictedSpeeds? Predicted = null
)
{
    /// <summary>True when drafts changed no token.</summary>
    public bool IsTextIdentical { get; } =
        Drafted.Zip(Plain, (a, b) => a.TokenIds.SequenceEqual(b.TokenIds)).All(isEqual => isEqual);

    /// <summary>Tokens after the first of each text.</summary>
    public int Tokens { get; } = Drafted.Sum(text => Math.Max(0, text.TokenIds.Count - 1));

    /// <summary>Cycles of the drafted texts.</summary>
    public int Cycles { get; } = Drafted.Sum(text => text.Cycles);

    /// <summary>Cycles over tokens.</summary>
    public double CyclesPerToken => Ratio(Cycles, Tokens);

    /// <summary>Rows over cycles.</summary>
    public double RowsPerCycle => Ratio(Drafted.Sum(text => text.Rows), Cycles);

    /// <summary>Confirmed drafts over cycles.</summary>
    public double AcceptedPerCycle => Ratio(Drafted.Sum(text => text.Stats.AcceptedDrafts), Cycles);

    /// <summary>Cycles of plain decoding over those with drafts, for the same tokens.</summary>
    public double SpeedUp => Ratio(Plain.Sum(text => text.Cycles), Cycles);

    /// <summary>Drafts that reached a verdict by source and step, over all texts.</summary>
    public IReadOnlyList<DraftSourceFigures> Sources { get; } =
        DraftSourceFigures.Sum(Drafted.SelectMany(text => text.Stats.Sources));

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;
}
