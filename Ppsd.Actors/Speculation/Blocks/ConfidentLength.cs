namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// KNN-SSD's stopping rule (2505.16162): a block ends behind a token whose probability lies below a threshold, and that
/// token is verified with the others.
/// </summary>
/// <param name="most">Most drafts of a block; 12 in the published code.</param>
/// <param name="threshold">Least probability to go on from; 0.8 in the published code.</param>
internal sealed class ConfidentLength(int most = 12, double threshold = 0.8) : IBlockPolicy
{
    /// <inheritdoc />
    public int MostDrafts => most;

    /// <inheritdoc />
    public bool ReadsConfidence => true;

    /// <inheritdoc />
    public bool GoesOn(int drafted, double confidence) => drafted < most && confidence >= threshold;

    /// <inheritdoc />
    public void Note(int drafted, int accepted) { }
}
