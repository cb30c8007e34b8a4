namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// EESD's control <c>fixed</c>: the number of drafts that pays best at the acceptance measured so far. Where none pays, a
/// block of one draft is tried now and then, since acceptance may have risen.
/// </summary>
/// <param name="costs">What a block costs.</param>
internal sealed class BestLength(BlockCosts costs) : IBlockPolicy
{
    /// <summary>Most drafts of a block; the same as in the bandit's and in DEL's code.</summary>
    public const int Limit = 18;

    private const double Decay = 0.95;
    private const int TrialInterval = 16;

    // Counts begin as if four drafts had been judged, three of them right.
    private double _right = 3;
    private double _wrong = 1;
    private int _blocksWithout;
    private int _length = costs.BestLength(0.75, Limit);

    /// <inheritdoc />
    public int MostDrafts => Limit;

    /// <summary>Right drafts over judged ones, late ones weighing more.</summary>
    public double Acceptance => _right / (_right + _wrong);

    /// <summary>Drafts of the next block.</summary>
    public int Length => _length > 0 || _blocksWithout < TrialInterval ? _length : 1;

    /// <inheritdoc />
    public bool GoesOn(int drafted, double confidence) => drafted < Length;

    /// <inheritdoc />
    public void Note(int drafted, int accepted)
    {
        if (drafted == 0)
        {
            _blocksWithout++;
            return;
        }

        _blocksWithout = 0;
        _right = Decay * _right + accepted;
        _wrong = Decay * _wrong + (accepted < drafted ? 1 : 0);
        _length = costs.BestLength(Acceptance, Limit);
    }
}
