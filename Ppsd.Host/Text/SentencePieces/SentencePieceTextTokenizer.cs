using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// The tokenizer of a SentencePiece model (Llama 1 and 2, Vicuna, TinyLlama, Mistral), from a tokenizer.model or from the
/// tokenizer.json that was made of one. Finds the special tokens, escapes spaces and places the dummy space; an
/// <see cref="IPieceEncoder"/> does the rest.
/// </summary>
internal sealed class SentencePieceTextTokenizer : ITextTokenizer
{
    private const char Space = '\u2581'; // how SentencePiece spells a space

    private readonly IPieceEncoder _encoder;
    private readonly DummyPrefix _dummyPrefix;
    private readonly bool _splitsAtSpaces;
    private readonly TokenPieces _pieces;
    private readonly AddedTokenSplitter _addedTokens;
    private readonly AddedTokenSplitter _userDefined;
    private readonly PromptFrame _frame;

    /// <summary>Puts a tokenizer together.</summary>
    /// <param name="parts">What the model's own file says.</param>
    /// <param name="config">What the folder's other files say.</param>
    /// <exception cref="TextException">The files contradict each other.</exception>
    public SentencePieceTextTokenizer(Parts parts, TokenizerConfig config)
    {
        _encoder = parts.Encoder;
        _dummyPrefix = parts.DummyPrefix;
        _splitsAtSpaces = parts.SplitsAtSpaces;
        var fileTokens = parts.AddedTokens.Concat(config.AddedTokens).ToArray();
        var idsBySpelling = IdsBySpelling(parts.Pieces, fileTokens);
        var bosToken = config.Named("bos_token", "<s>");
        var eosToken = config.Named("eos_token", "</s>");
        var unknownToken = config.Named("unk_token", "<unk>");
        BosId = Resolve(bosToken, "bos_token");
        var eosId = Resolve(eosToken, "eos_token");
        EosIds = EosTokenIds.Load(config.Folder, eosId);
        _frame = parts.Frame is { } frame
            ? frame.With(config.AddBos, BosId, config.AddEos, eosId)
            : new PromptFrame([], []).With(config.AddBos ?? true, BosId, config.AddEos ?? false, eosId);

        // transformers finds its named special tokens in a text too, whether or not they were added to the vocabulary.
        var named =
            from spelling in config.SpecialSpellings.Concat([bosToken, eosToken, unknownToken])
            where spelling is not null && idsBySpelling.ContainsKey(spelling)
            select new AddedToken(idsBySpelling[spelling], spelling, Special: true);
        var added = config.Complete(parts.AddedTokens.Concat(named));
        AddedToken[] normalized =
        [
            .. added.Where(token => parts.Normalizes && token.Normalized && !config.FindsInRawText(token.Content)),
        ];
        _addedTokens = new AddedTokenSplitter(added.Except(normalized));
        _userDefined = new AddedTokenSplitter(
            parts
                .Pieces.Index()
                .Where(piece => piece.Item is { Kind: SentencePieceKind.UserDefined, Text.Length: > 0 })
                .Select(piece => new AddedToken(piece.Index, piece.Item.Text, Special: false))
                .Concat(normalized.Select(token => token with { Content = Escape(token.Content, atTextStart: true) }))
        );
        _pieces = BuildPieces(parts.Pieces, added);

        // A token that a file names must exist; one that is only usual need not.
        int? Resolve(string? spelling, string field) =>
            spelling is null ? null
            : idsBySpelling.TryGetValue(spelling, out var id) ? id
            : config.Named(field) is null ? null
            : throw TextException.Unsupported(config.Path, field, $"'{spelling}'", "a token of the vocabulary");
    }

    /// <inheritdoc/>
    public int VocabSize => _pieces.Count;

    /// <inheritdoc/>
    public int? BosId { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> EosIds { get; }

    /// <inheritdoc/>
    public bool DropsLeadingSpace => _dummyPrefix.Place != DummyPrefix.Places.Nowhere;

    /// <summary>Loads a tokenizer.model.</summary>
    /// <param name="config">Settings from the folder's other files.</param>
    /// <param name="tokenizerJson">A tokenizer.json without a vocabulary beside it, or null.</param>
    /// <exception cref="TextException">The model cannot be read or is not supported.</exception>
    public static SentencePieceTextTokenizer Load(string path, TokenizerConfig config, JsonFile? tokenizerJson)
    {
        var model = SentencePieceModel.Parse(path, TextFiles.ReadAllBytes(path));
        var parts = new Parts
        {
            Pieces = model.Pieces,
            Encoder = new SentencePieceMerger(model),
            DummyPrefix =
                (tokenizerJson is null ? null : DummyPrefix.SaidBy(tokenizerJson)) ?? DummyPrefix.From(config, model),
            AddedTokens = tokenizerJson is null ? [] : AddedToken.ReadAll(tokenizerJson),
        };
        return new SentencePieceTextTokenizer(parts, config);
    }

    /// <inheritdoc/>
    public int[] Encode(string text, CancellationToken cancellation = default) =>
        _frame.Around(EncodeSegments(text, cancellation));

    /// <inheritdoc/>
    public int[] EncodeRendered(string text, CancellationToken cancellation = default) =>
        [.. EncodeSegments(text, cancellation)];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids, bool keepsSpecials = false) =>
        _pieces.Decode(ids, DropsLeadingSpace, keepsSpecials);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PieceBytes(int id) => _pieces[id];

    /// <inheritdoc/>
    public ReadOnlySpan<byte> SpellingBytes(int id) => _pieces.Spelling(id);

    /// <inheritdoc/>
    public bool IsSpecial(int id) => _pieces.IsSpecial(id);

    private List<int> EncodeSegments(string text, CancellationToken cancellation)
    {
        text = UnicodeText.WithoutLoneSurrogates(text);
        var ids = new List<int>(text.Length / 3);
        foreach (var segment in _addedTokens.Split(text))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                EncodeStretch(text.AsSpan(segment.Start, segment.Length), segment.Start == 0, ids, cancellation);
            }
        }

        return ids;
    }

    private void EncodeStretch(
        ReadOnlySpan<char> stretch,
        bool atTextStart,
        List<int> ids,
        CancellationToken cancellation
    )
    {
        var escaped = Escape(stretch, atTextStart);
        foreach (var segment in _userDefined.Split(escaped))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                EncodeWords(escaped.AsSpan(segment.Start, segment.Length), ids, cancellation);
            }
        }
    }

    private string Escape(ReadOnlySpan<char> text, bool atTextStart) =>
        string.Concat(_dummyPrefix.AppliesTo(text, atTextStart) ? " " : "", text).Replace(' ', Space);

    // Where the model's file asks for it every escaped space begins a word of its own, and pieces end with words.
    private void EncodeWords(ReadOnlySpan<char> text, List<int> ids, CancellationToken cancellation)
    {
        while (_splitsAtSpaces && text[1..].IndexOf(Space) is var next and >= 0)
        {
            _encoder.Encode(text[..(next + 1)], ids, cancellation);
            text = text[(next + 1)..];
        }

        _encoder.Encode(text, ids, cancellation);
    }

    private static Dictionary<string, int> IdsBySpelling(
        IReadOnlyList<SentencePiece> pieces,
        IEnumerable<AddedToken> added
    )
    {
        var ids = new Dictionary<string, int>(pieces.Count);
        foreach (var token in added)
        {
            ids.TryAdd(token.Content, token.Id);
        }

        for (var id = 0; id < pieces.Count; id++)
        {
            ids.TryAdd(pieces[id].Text, id);
        }

        return ids;
    }

    private static TokenPieces BuildPieces(IReadOnlyList<SentencePiece> model, IReadOnlyList<AddedToken> added)
    {
        var pieces = new TokenPieces(added.Select(token => token.Id + 1).Append(model.Count).Max());
        for (var id = 0; id < model.Count; id++)
        {
            var (text, _, kind) = model[id];
            switch (kind)
            {
                case SentencePieceKind.Control or SentencePieceKind.Unknown:
                    pieces.Set(id, text);
                    pieces.MarkSpecial(id);
                    break;
                case SentencePieceKind.Byte:
                    pieces.Set(id, [Convert.ToByte(text[3..5], 16)]); // <0xE2>
                    break;
                case SentencePieceKind.Unused:
                    break;
                default:
                    pieces.Set(id, text.Replace(Space, ' '));
                    break;
            }
        }

        foreach (var token in added)
        {
            pieces.Set(token.Id, token.Content);
            if (token.Special)
            {
                pieces.MarkSpecial(token.Id);
            }
        }

        return pieces;
    }

    /// <summary>What the file of a model's pieces says.</summary>
    internal sealed record Parts
    {
        /// <summary>The pieces; a piece's index is its id.</summary>
        public required IReadOnlyList<SentencePiece> Pieces { get; init; }

        /// <summary>Cuts text into them.</summary>
        public required IPieceEncoder Encoder { get; init; }

        /// <summary>Where a dummy space goes.</summary>
        public required DummyPrefix DummyPrefix { get; init; }

        /// <summary>Whether a piece ends where a space begins.</summary>
        public bool SplitsAtSpaces { get; init; }

        /// <summary>
        /// Whether the file has a normalizer: added tokens that are normalized are then found as it spells them, dummy space
        /// and all.
        /// </summary>
        public bool Normalizes { get; init; }

        /// <summary>Tokens that are found in the text.</summary>
        public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

        /// <summary>What stands around a prompt; null when only the folder's other files say it.</summary>
        public PromptFrame? Frame { get; init; }
    }
}
