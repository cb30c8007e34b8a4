using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// The tokenizer of a SentencePiece BPE model with byte fallback (Llama 1 and 2, Vicuna, TinyLlama). Finds the special
/// tokens, escapes spaces and places the dummy space; <see cref="SentencePieceMerger"/> does the rest.
/// </summary>
internal sealed class SentencePieceTextTokenizer : ITextTokenizer
{
    private const char Space = '\u2581'; // how SentencePiece spells a space

    private readonly SentencePieceMerger _merger;
    private readonly DummyPrefix _dummyPrefix;
    private readonly TokenPieces _pieces;
    private readonly AddedTokenSplitter _addedTokens;
    private readonly AddedTokenSplitter _userDefined;
    private readonly PromptFrame _frame;

    private SentencePieceTextTokenizer(SentencePieceModel model, DummyPrefix dummyPrefix, TokenizerConfig config)
    {
        _merger = new SentencePieceMerger(model);
        _dummyPrefix = dummyPrefix;
        var idsBySpelling = IdsBySpelling(model, config);
        var bosToken = config.Named("bos_token", "<s>");
        var eosToken = config.Named("eos_token", "</s>");
        var unknownToken = config.Named("unk_token", "<unk>");
        BosId = Resolve(bosToken, "bos_token");
        var eosId = Resolve(eosToken, "eos_token");
        EosIds = EosTokenIds.Load(config.Folder, eosId);
        _frame = new PromptFrame([], []).With(config.AddBos ?? true, BosId, config.AddEos ?? false, eosId);

        // transformers finds its named special tokens in a text too, whether or not they were added to the vocabulary.
        var added = config.Complete(
            from spelling in config.SpecialSpellings.Concat([bosToken, eosToken, unknownToken])
            where spelling is not null && idsBySpelling.ContainsKey(spelling)
            select new AddedToken(idsBySpelling[spelling], spelling, Special: true)
        );
        _addedTokens = new AddedTokenSplitter(added);
        _userDefined = new AddedTokenSplitter(
            model
                .Pieces.Index()
                .Where(piece => piece.Item is { Kind: SentencePieceKind.UserDefined, Text.Length: > 0 })
                .Select(piece => new AddedToken(piece.Index, piece.Item.Text, Special: false))
        );
        _pieces = BuildPieces(model, added);

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
    /// <param name="path">The file.</param>
    /// <param name="config">What the folder's other files say.</param>
    /// <param name="tokenizerJson">The tokenizer.json beside it, or null.</param>
    /// <exception cref="TextException">The model cannot be read or is not supported.</exception>
    public static SentencePieceTextTokenizer Load(string path, TokenizerConfig config, JsonFile? tokenizerJson)
    {
        var model = SentencePieceModel.Parse(path, TextFiles.ReadAllBytes(path));
        var dummyPrefix = tokenizerJson is null ? DummyPrefix.From(config, model) : DummyPrefix.From(tokenizerJson);
        return new SentencePieceTextTokenizer(model, dummyPrefix, config);
    }

    /// <inheritdoc/>
    public int[] Encode(string text, CancellationToken cancellation = default) =>
        _frame.Around(EncodeSegments(text, cancellation));

    /// <inheritdoc/>
    public int[] EncodeRendered(string text, CancellationToken cancellation = default) =>
        [.. EncodeSegments(text, cancellation)];

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> ids) => _pieces.Decode(ids, DropsLeadingSpace);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> PieceBytes(int id) => _pieces[id];

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
        var escaped = string.Concat(_dummyPrefix.AppliesTo(stretch, atTextStart) ? " " : "", stretch)
            .Replace(' ', Space);
        foreach (var segment in _userDefined.Split(escaped))
        {
            if (segment.TokenId is { } id)
            {
                ids.Add(id);
            }
            else
            {
                _merger.Encode(escaped.AsSpan(segment.Start, segment.Length), ids, cancellation);
            }
        }
    }

    private static Dictionary<string, int> IdsBySpelling(SentencePieceModel model, TokenizerConfig config)
    {
        var ids = new Dictionary<string, int>(model.Pieces.Count);
        foreach (var token in config.AddedTokens)
        {
            ids.TryAdd(token.Content, token.Id);
        }

        for (var id = 0; id < model.Pieces.Count; id++)
        {
            ids.TryAdd(model.Pieces[id].Text, id);
        }

        return ids;
    }

    private static TokenPieces BuildPieces(SentencePieceModel model, IReadOnlyList<AddedToken> added)
    {
        var pieces = new TokenPieces(added.Select(token => token.Id + 1).Append(model.Pieces.Count).Max());
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var (text, _, kind) = model.Pieces[id];
            if (kind is SentencePieceKind.Control or SentencePieceKind.Unknown)
            {
                pieces.MarkSpecial(id);
            }
            else if (kind == SentencePieceKind.Byte)
            {
                pieces.Set(id, [(byte)(id - model.FirstByteId)]);
            }
            else
            {
                pieces.Set(id, text.Replace(Space, ' '));
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
}
