using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// Measured accuracy of claims by source, step and claimed probability: moving averages that turn a source's own
/// probabilities into ones comparable between sources. It starts with the source's own. Affects which drafts enter,
/// never the text. Pure; one owner.
/// </summary>
internal sealed class DraftCalibration
{
    private const int Sources = 3;
    private const int Steps = 8;

    /// <summary>Weight of the initial estimate, in judged claims.</summary>
    private const double PriorWeight = 12;

    /// <summary>Judged claims after which older ones fade.</summary>
    private const double Memory = 256;

    private const double LeastChance = 0.0005;
    private const double MostChance = 0.995;

    /// <summary>Upper ends of the classes that claims are counted in.</summary>
    private static readonly double[] _classes =
    [
        0.03,
        0.08,
        0.2,
        0.35,
        0.5,
        0.65,
        0.8,
        0.9,
        0.97,
        double.PositiveInfinity,
    ];

    /// <summary>Share of positions at which a source is taken to be right before any was judged, and the verdicts that this counts for.</summary>
    private const double UsualOfHead = 0.8;
    private const double UsualOfNGrams = 0.5;
    private const double TrustInUsual = 16;
    private const double Fading = 1 - 1.0 / 512;

    /// <summary>Verdicts below which what was seen of a source says little.</summary>
    private const double Telling = 8;

    private readonly Cell[] _rates = new Cell[Sources];
    private readonly Cell[] _cells = new Cell[Sources * Steps * _classes.Length];

    /// <summary>The chance that a claimed token is the target's, given that the tokens before it are right.</summary>
    public double ChanceOf(in DraftClaim claim)
    {
        ref readonly var cell = ref CellOf(claim);
        var trust = PriorWeight * claim.Probability;
        var expected = cell.Expected + trust;
        var ratio = expected > 0 ? (cell.Right + trust) / expected : 1;
        return Math.Clamp(claim.Probability * ratio, LeastChance, MostChance);
    }

    /// <summary>Share of positions at which one of a source's drafts in flight was right, over all sessions that share this.</summary>
    public double RateOf(DraftSource source)
    {
        ref readonly var rate = ref _rates[(int)source];
        var usual = source == DraftSource.ExitHead ? UsualOfHead : UsualOfNGrams;
        return (TrustInUsual * usual + rate.Right) / (TrustInUsual + rate.Count);
    }

    /// <summary>The same as far as it was seen lately and nothing is taken for usual; 1 where too little was seen.</summary>
    public double SeenRateOf(DraftSource source)
    {
        ref readonly var rate = ref _rates[(int)source];
        return rate.Count < Telling ? 1 : rate.Right / rate.Count;
    }

    /// <summary>
    /// A token was verified: what was seen of sources fades over some hundred tokens, so that one which no longer drafts, since it
    /// was mostly wrong, is tried again some day.
    /// </summary>
    public void FadeRates()
    {
        foreach (ref var rate in _rates.AsSpan())
        {
            rate.Count *= Fading;
            rate.Right *= Fading;
        }
    }

    /// <summary>Records a position at which a source had drafts in flight.</summary>
    /// <param name="isRight">True when one of them was right.</param>
    public void NoteRate(DraftSource source, bool isRight) => Note(ref _rates[(int)source], 1, isRight);

    /// <summary>Records the target's judgement of a claim whose predecessors were right.</summary>
    public void Note(in DraftClaim claim, bool isRight) => Note(ref CellOf(claim), claim.Probability, isRight);

    private static void Note(ref Cell cell, double expected, bool isRight)
    {
        cell.Expected += expected;
        cell.Right += isRight ? 1 : 0;
        if (++cell.Count >= Memory)
        {
            cell.Count /= 2;
            cell.Expected /= 2;
            cell.Right /= 2;
        }
    }

    private ref Cell CellOf(in DraftClaim claim)
    {
        var step = Math.Min(claim.Step, Steps - 1);
        var rank = 0;
        while (claim.Probability > _classes[rank])
        {
            rank++;
        }

        return ref _cells[((int)claim.Source * Steps + step) * _classes.Length + rank];
    }

    private struct Cell
    {
        public double Count;
        public double Expected;
        public double Right;
    }
}
