namespace Ppsd.Host.Text.Tokens;

/// <summary>The ids that a model's files put around a raw prompt.</summary>
/// <param name="Before">In front of the text, usually one beginning-of-text id.</param>
/// <param name="After">Behind the text, usually none.</param>
internal sealed record PromptFrame(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    /// <summary>
    /// Puts the frame around the ids. Ids that already begin with <see cref="Before"/> keep that one, because a prompt
    /// that spells out its beginning-of-text token does not mean two.
    /// </summary>
    public int[] Around(List<int> ids) =>
        ids.Count >= Before.Count && ids.Take(Before.Count).SequenceEqual(Before)
            ? [.. ids, .. After]
            : [.. Before, .. ids, .. After];

    /// <summary>The frame with the explicit answers of tokenizer_config.json put over it.</summary>
    /// <param name="addBos">Whether to start with a beginning-of-text id; null keeps the model's setting.</param>
    /// <param name="bosId">That id, or null when the model has none.</param>
    /// <param name="addEos">Whether to end with an end-of-text id; null keeps the model's setting.</param>
    /// <param name="eosId">That id, or null when the model has none.</param>
    public PromptFrame With(bool? addBos, int? bosId, bool? addEos, int? eosId) =>
        new(Adjust(Before, addBos, bosId), Adjust(After, addEos, eosId));

    private static IReadOnlyList<int> Adjust(IReadOnlyList<int> ids, bool? add, int? id) =>
        (add, id) switch
        {
            (null, _) or (_, null) => ids,
            (true, { } wanted) => ids.Contains(wanted) ? ids : [wanted, .. ids],
            (false, { } unwanted) => [.. ids.Where(other => other != unwanted)],
        };
}
