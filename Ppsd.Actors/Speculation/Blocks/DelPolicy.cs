using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// DEL (Entezari Zarch et al. 2025, 2504.05598): the exit of the next block is the one that <see cref="DelStatistics"/>
/// promises most of, and drafting stops behind a token that its head is not sure of. The first block drafts one token at the
/// first exit.
/// </summary>
/// <remarks>
/// The published code computes a number of drafts with the exit and does not use it as the block's length: only the threshold
/// and a limit of 18 end a block. The number decides one thing: where it is 0, positions behind the first miss count too.
/// That is kept. <paramref name="usesLength"/> makes the variant that drafts as many as were chosen.
/// </remarks>
/// <param name="layers">Layers before each exit.</param>
/// <param name="allLayers">Layers of the model.</param>
/// <param name="usesLength">True to draft as many tokens as were chosen; false to let the threshold decide.</param>
internal sealed class DelPolicy(IReadOnlyList<int> layers, int allLayers, bool usesLength = false) : IShadowPolicy
{
    private readonly DelStatistics _statistics = new(layers.Count);
    private bool _isFirst = true;
    private DelChoice _choice = new(0, 1);

    /// <inheritdoc />
    public int MostDrafts => BestLength.Limit;

    /// <inheritdoc />
    public int Exit => _choice.Exit;

    /// <inheritdoc />
    public bool ReadsConfidence => true;

    /// <inheritdoc />
    public bool GoesOn(int drafted, double confidence)
    {
        if (_isFirst || usesLength)
        {
            return drafted < (_isFirst ? 1 : _choice.Drafts);
        }

        // Nothing lies below NaN, so an exit that has not missed yet drafts up to the limit.
        return drafted < MostDrafts && !(drafted > 0 && confidence < _statistics.Threshold(Exit));
    }

    /// <inheritdoc />
    public void NotePrompt(ShadowToken[][] shadows, TokenId[] target) =>
        _statistics.Note(shadows, target, target.Length);

    /// <inheritdoc />
    public void NoteShadows(ShadowToken[][] shadows, TokenId[] target)
    {
        var positions = _choice.Drafts == 0 ? target.Length : DelStatistics.ComparablePositions(shadows[Exit], target);
        _statistics.Note(shadows, target, positions);
    }

    /// <inheritdoc />
    public void Note(int drafted, int accepted)
    {
        _isFirst = false;
        _choice = _statistics.Choose(layers, allLayers, MostDrafts);
    }
}
