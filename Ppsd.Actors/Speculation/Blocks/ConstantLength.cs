namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// The same number of drafts in every block: LayerSkip's loop (Elhoushi et al. 2024, 2404.16710), and with none plain
/// decoding.
/// </summary>
internal sealed class ConstantLength(int drafts) : IBlockPolicy
{
    /// <inheritdoc />
    public int MostDrafts => drafts;

    /// <inheritdoc />
    public bool GoesOn(int drafted, double confidence) => drafted < drafts;

    /// <inheritdoc />
    public void Note(int drafted, int accepted) { }
}
