using System.Globalization;
using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// What tokenizer_config.json (and the older special_tokens_map.json and added_tokens.json) say about a model's text.
/// Names tokens by their spelling: it does not know the vocabulary. <c>clean_up_tokenization_spaces</c> is not
/// read on purpose: removing spaces after the fact changes the text and cannot be streamed.
/// </summary>
internal sealed class TokenizerConfig
{
    private readonly Dictionary<string, string?> _named = []; // null: the model has none, as a file says
    private IReadOnlyList<string> _furtherSpecials = [];

    private TokenizerConfig(string folder) => Folder = folder;

    /// <summary>The model folder.</summary>
    public string Folder { get; }

    /// <summary>Where tokenizer_config.json lies, or would lie; for messages.</summary>
    public string Path => System.IO.Path.Combine(Folder, "tokenizer_config.json");

    /// <summary>Whether a raw prompt gets the beginning-of-text token; null when the file does not say.</summary>
    public bool? AddBos { get; private set; }

    /// <summary>Whether a raw prompt gets the end-of-text token; null when the file does not say.</summary>
    public bool? AddEos { get; private set; }

    /// <summary>
    /// SentencePiece models: whether every stretch of text between special tokens gets the dummy leading space, as
    /// transformers did before version 4.31; null when the file does not say.
    /// </summary>
    public bool? Legacy { get; private set; }

    /// <summary>
    /// SentencePiece models: whether text gets a dummy leading space at all; null when the file does not say.
    /// </summary>
    public bool? AddPrefixSpace { get; private set; }

    /// <summary>Tokens beyond the vocabulary file, with their ids.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; private set; } = [];

    /// <summary>
    /// The special tokens by name (<c>bos_token</c>, <c>eos_token</c>, <c>unk_token</c>, <c>pad_token</c>) as a chat
    /// template sees them: only those that the files name.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> NamedTokens =>
        from named in _named
        where named.Value is not null
        select KeyValuePair.Create(named.Key, named.Value);

    /// <summary>Reads the files of a model folder; missing files set nothing.</summary>
    /// <exception cref="TextException">A file is malformed.</exception>
    public static TokenizerConfig Load(string folder)
    {
        var config = new TokenizerConfig(folder);
        var addedTokens = new List<AddedToken>();
        using (var file = JsonFile.OpenIfPresent(config.Path))
        {
            if (file is not null)
            {
                config.AddBos = file.FindBoolean(file.Root, "add_bos_token");
                config.AddEos = file.FindBoolean(file.Root, "add_eos_token");
                config.Legacy = file.FindBoolean(file.Root, "legacy");
                config.AddPrefixSpace = file.FindBoolean(file.Root, "add_prefix_space");
                config.ReadNamedTokens(file);
                addedTokens.AddRange(ReadAddedTokensDecoder(file));
            }
        }

        using (var file = JsonFile.OpenIfPresent(System.IO.Path.Combine(folder, "special_tokens_map.json")))
        {
            if (file is not null)
            {
                config.ReadNamedTokens(file);
            }
        }

        using (var file = JsonFile.OpenIfPresent(System.IO.Path.Combine(folder, "added_tokens.json")))
        {
            if (file is not null)
            {
                addedTokens.AddRange(ReadAddedTokens(file));
            }
        }

        config.AddedTokens = addedTokens;
        return config;
    }

    /// <summary>
    /// The spelling of a special token. Null in a file means that there is none; where no file names it, <paramref
    /// name="otherwise"/> stands.
    /// </summary>
    public string? Named(string name, string? otherwise = null) =>
        _named.TryGetValue(name, out var spelling) ? spelling : otherwise;

    /// <summary>Every spelling that the files call a special token.</summary>
    public IEnumerable<string> SpecialSpellings => _named.Values.OfType<string>().Concat(_furtherSpecials);

    /// <summary>
    /// A tokenizer file's added tokens together with those of this configuration: the first of several with one
    /// spelling counts, and tokens that the configuration names are special whatever their entry contains.
    /// </summary>
    public IReadOnlyList<AddedToken> Complete(IEnumerable<AddedToken> tokens)
    {
        var specials = SpecialSpellings.ToHashSet();
        return
        [
            .. tokens
                .Concat(AddedTokens)
                .DistinctBy(token => token.Content)
                .Select(token => token with { Special = token.Special || specials.Contains(token.Content) }),
        ];
    }

    /// <summary>Whether a token is to be found in the text as it stands, whatever the tokenizer's own file says of it.</summary>
    public bool FindsInRawText(string spelling) =>
        AddedTokens.Any(token => token.Content == spelling && !token.Normalized);

    // The first file that names a token decides, so tokenizer_config.json is read first.
    private void ReadNamedTokens(JsonFile file)
    {
        foreach (var name in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "pad_token"])
        {
            if (file.Root.TryGetProperty(name, out var value))
            {
                _named.TryAdd(name, value.ValueKind == JsonValueKind.Null ? null : Spelling(file, value, name));
            }
        }

        if (JsonFile.Find(file.Root, "additional_special_tokens") is { } more && _furtherSpecials.Count == 0)
        {
            _furtherSpecials =
            [
                .. file.AsArray(more, "additional_special_tokens")
                    .Select(token => Spelling(file, token, "additional_special_tokens")),
            ];
        }
    }

    // Either "<s>" or { "content": "<s>", ... }.
    private static string Spelling(JsonFile file, JsonElement token, string field) =>
        token.ValueKind == JsonValueKind.Object
            ? file.FindString(token, "content")
                ?? throw TextException.Unsupported(
                    file.Path,
                    field,
                    "an object without content",
                    "the token's spelling"
                )
            : file.AsString(token, field);

    private static IEnumerable<AddedToken> ReadAddedTokensDecoder(JsonFile file)
    {
        if (JsonFile.Find(file.Root, "added_tokens_decoder") is not { } decoder)
        {
            yield break;
        }

        foreach (var entry in file.AsObject(decoder, "added_tokens_decoder"))
        {
            if (
                !int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || id >= TokenPieces.MaxCount
            )
            {
                throw TextException.Unsupported(file.Path, "added_tokens_decoder", $"id '{entry.Name}'", "token ids");
            }

            yield return AddedToken.Read(file, entry.Value, id);
        }
    }

    // { "<|im_start|>": 32001, ... }
    private static IEnumerable<AddedToken> ReadAddedTokens(JsonFile file) =>
        from entry in file.Root.EnumerateObject()
        where entry.Name.Length > 0
        select new AddedToken(file.AsTokenId(entry.Value, entry.Name), entry.Name, Special: false);
}
