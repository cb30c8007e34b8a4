namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// EESD's control <c>thompson</c> (2406.03853): before each draft a chance is drawn from what this text's acceptance may be,
/// and drafting goes on with that chance. The paper's formulas could not be read; this is the plain reading of its words, a
/// Beta(1, 1) to begin with, to which accepted drafts add on one side and a rejection on the other. Drafts behind a rejection
/// do not count.
/// </summary>
/// <param name="drawBeta">Draws from the Beta distribution of two parameters.</param>
/// <param name="drawUniform">Draws from 0 to 1.</param>
internal sealed class ThompsonLength(Func<double, double, double> drawBeta, Func<double> drawUniform) : IBlockPolicy
{
    /// <inheritdoc />
    public int MostDrafts => BestLength.Limit;

    /// <summary>1 and the accepted drafts.</summary>
    public int Accepted { get; private set; } = 1;

    /// <summary>1 and the blocks that ended in a rejection.</summary>
    public int Rejected { get; private set; } = 1;

    /// <inheritdoc />
    public bool GoesOn(int drafted, double confidence) =>
        drafted < MostDrafts && drawUniform() < drawBeta(Accepted, Rejected);

    /// <inheritdoc />
    public void Note(int drafted, int accepted)
    {
        Accepted += accepted;
        Rejected += accepted < drafted ? 1 : 0;
    }
}
