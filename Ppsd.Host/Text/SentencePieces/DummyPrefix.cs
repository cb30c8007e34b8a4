using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>Where a SentencePiece tokenizer puts a dummy space into a text before it cuts it into pieces.</summary>
/// <param name="Place">Which stretches of text get one.</param>
/// <param name="UnlessSpace">Whether a stretch that already begins with a space goes without.</param>
/// <remarks>
/// Three authors, three rules. The model file itself: every stretch. transformers with <c>legacy: false</c>: the text's
/// beginning only. A tokenizer.json: what its Prepend normalizer (every stretch) or its Metaspace pre-tokenizer says, the
/// latter not in front of a space; one that has neither puts none, but says nothing about a tokenizer.model beside it.
/// </remarks>
internal readonly record struct DummyPrefix(DummyPrefix.Places Place, bool UnlessSpace)
{
    /// <summary>Which stretches of text, cut at special tokens, get a dummy space.</summary>
    public enum Places
    {
        /// <summary>None.</summary>
        Nowhere,

        /// <summary>The one that begins the text.</summary>
        TextStart,

        /// <summary>Every one.</summary>
        EveryStretch,
    }

    /// <summary>Whether a stretch gets a dummy space.</summary>
    public bool AppliesTo(ReadOnlySpan<char> stretch, bool atTextStart) =>
        (Place == Places.EveryStretch || (Place == Places.TextStart && atTextStart))
        && !(UnlessSpace && stretch[0] is ' ' or '\u2581');

    /// <summary>The rule of a tokenizer.model.</summary>
    public static DummyPrefix From(TokenizerConfig config, SentencePieceModel model) =>
        (config.Legacy ?? true, config.AddPrefixSpace ?? true) switch
        {
            (true, _) => new DummyPrefix(model.AddsDummyPrefix ? Places.EveryStretch : Places.Nowhere, false),
            (false, true) => new DummyPrefix(Places.TextStart, false),
            (false, false) => new DummyPrefix(Places.Nowhere, false),
        };

    /// <summary>The rule of a tokenizer.json that was converted from a SentencePiece model.</summary>
    /// <exception cref="TextException">The file does not say it in a way that is known.</exception>
    public static DummyPrefix From(JsonFile file)
    {
        if (JsonFile.Find(file.Root, "pre_tokenizer") is { } preTokenizer)
        {
            return FromMetaspace(file, preTokenizer);
        }

        return new DummyPrefix(Prepends(file) ? Places.EveryStretch : Places.Nowhere, false);
    }

    /// <summary>The rule that a tokenizer.json without a vocabulary has for the tokenizer.model beside it; null for none.</summary>
    /// <exception cref="TextException">It has one that is not known.</exception>
    public static DummyPrefix? SaidBy(JsonFile file) =>
        JsonFile.Find(file.Root, "pre_tokenizer") is { } preTokenizer
        && JsonFile.Find(preTokenizer, "type") is { ValueKind: JsonValueKind.String } type
        && type.ValueEquals("Metaspace")
            ? FromMetaspace(file, preTokenizer)
        : Prepends(file) ? new DummyPrefix(Places.EveryStretch, false)
        : null;

    private static bool Prepends(JsonFile file) =>
        JsonFile.Find(file.Root, "normalizer") is { } normalizer
        && JsonFile.Steps(normalizer, "normalizers").Any(step => file.FindString(step, "type") == "Prepend");

    private static DummyPrefix FromMetaspace(JsonFile file, JsonElement preTokenizer)
    {
        if (file.FindString(preTokenizer, "type") != "Metaspace")
        {
            throw TextException.Unsupported(
                file.Path,
                "pre_tokenizer",
                JsonFile.Describe(preTokenizer),
                "for a SentencePiece tokenizer: none, or Metaspace"
            );
        }

        var scheme = file.FindString(preTokenizer, "prepend_scheme");
        return scheme switch
        {
            "first" => new DummyPrefix(Places.TextStart, true),
            "never" => new DummyPrefix(Places.Nowhere, true),
            "always" => new DummyPrefix(Places.EveryStretch, true),
            null when file.FindBoolean(preTokenizer, "add_prefix_space") == false => new DummyPrefix(
                Places.Nowhere,
                true
            ),
            null => new DummyPrefix(Places.EveryStretch, true),
            _ => throw TextException.Unsupported(
                file.Path,
                "pre_tokenizer.prepend_scheme",
                $"'{scheme}'",
                "first, always, never"
            ),
        };
    }
}
