using Google.Protobuf;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.SentencePieces;

/// <summary>
/// A SentencePiece <c>tokenizer.model</c>: its pieces, and the settings that decide whether
/// <see cref="SentencePieceMerger"/> can stand in for SentencePiece. Models it cannot are refused by the setting's
/// name.
/// </summary>
/// <remarks>Field numbers: sentencepiece_model.proto, https://github.com/google/sentencepiece.</remarks>
internal sealed class SentencePieceModel
{
    private readonly List<SentencePiece> _pieces = [];
    private int _modelType = 1; // unigram
    private bool _byteFallback;
    private bool _whitespaceAsSuffix;
    private string _normalizerName = "";
    private bool _hasCharsMap;
    private bool _removesExtraWhitespace = true;
    private bool _escapesWhitespace = true;

    private SentencePieceModel() { }

    /// <summary>The pieces; a piece's index is its id.</summary>
    public IReadOnlyList<SentencePiece> Pieces => _pieces;

    /// <summary>The id of byte 0; the pieces of the 256 bytes follow one another.</summary>
    public int FirstByteId { get; private set; }

    /// <summary>Whether the model puts a dummy space in front of a text.</summary>
    public bool AddsDummyPrefix { get; private set; } = true;

    /// <summary>Parses the file's bytes.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="bytes">Its content.</param>
    /// <exception cref="TextException">It is not a SentencePiece model, or is of an unsupported kind.</exception>
    public static SentencePieceModel Parse(string path, byte[] bytes)
    {
        var model = new SentencePieceModel();
        try
        {
            model.Read(new CodedInputStream(bytes));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new TextException(
                $"{path}: is not a SentencePiece model; supported: SentencePiece BPE (for tiktoken: its tokenizer.json)",
                e
            );
        }

        model.RefuseUnsupported(path);
        return model;
    }

    private void Read(CodedInputStream input)
    {
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.LengthDelimited):
                    _pieces.Add(ReadPiece(Nested(input)));
                    break;
                case (2, WireFormat.WireType.LengthDelimited):
                    ReadTrainerSpec(Nested(input));
                    break;
                case (3, WireFormat.WireType.LengthDelimited):
                    ReadNormalizerSpec(Nested(input));
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private static CodedInputStream Nested(CodedInputStream input) => input.ReadBytes().CreateCodedInput();

    private static SentencePiece ReadPiece(CodedInputStream input)
    {
        var text = "";
        var score = 0f;
        var kind = SentencePieceKind.Normal;
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1:
                    text = input.ReadString();
                    break;
                case 2:
                    score = input.ReadFloat();
                    break;
                case 3:
                    kind = (SentencePieceKind)input.ReadEnum();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return new SentencePiece(text, score, kind);
    }

    private void ReadTrainerSpec(CodedInputStream input)
    {
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 3:
                    _modelType = input.ReadEnum();
                    break;
                case 24:
                    _whitespaceAsSuffix = input.ReadBool();
                    break;
                case 35:
                    _byteFallback = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private void ReadNormalizerSpec(CodedInputStream input)
    {
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1:
                    _normalizerName = input.ReadString();
                    break;
                case 2:
                    _hasCharsMap = input.ReadBytes().Length > 0;
                    break;
                case 3:
                    AddsDummyPrefix = input.ReadBool();
                    break;
                case 4:
                    _removesExtraWhitespace = input.ReadBool();
                    break;
                case 5:
                    _escapesWhitespace = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private void RefuseUnsupported(string path)
    {
        Refuse(_pieces.Count == 0, "pieces", "none", "a SentencePiece model");
        Refuse(_pieces.Count > TokenPieces.MaxCount, "pieces", $"{_pieces.Count}", $"at most {TokenPieces.MaxCount}");
        Refuse(_modelType != 2, "trainer_spec.model_type", ModelTypeName(_modelType), "BPE");
        Refuse(!_byteFallback, "trainer_spec.byte_fallback", "false", "true");
        FirstByteId = _pieces.FindIndex(piece => piece.Kind == SentencePieceKind.Byte);
        Refuse(!HasAllBytesInOrder(), "pieces", "byte pieces missing or out of order", "<0x00> to <0xFF> in a row");
        Refuse(_pieces.Exists(piece => piece.Kind == SentencePieceKind.Unused), "pieces", "an unused piece", "none");
        Refuse(_whitespaceAsSuffix, "trainer_spec.treat_whitespace_as_suffix", "true", "false");
        Refuse(_hasCharsMap, "normalizer_spec", $"the rules of '{_normalizerName}'", "identity");
        Refuse(_removesExtraWhitespace, "normalizer_spec.remove_extra_whitespaces", "true", "false");
        Refuse(!_escapesWhitespace, "normalizer_spec.escape_whitespaces", "false", "true");

        void Refuse(bool condition, string field, string found, string supported)
        {
            if (condition)
            {
                throw TextException.Unsupported(path, field, found, supported);
            }
        }
    }

    private bool HasAllBytesInOrder() =>
        FirstByteId >= 0
        && _pieces.Count(piece => piece.Kind == SentencePieceKind.Byte) == 256
        && Enumerable.Range(0, 256).All(value => _pieces[FirstByteId + value].Text == $"<0x{value:X2}>");

    private static string ModelTypeName(int type) =>
        type switch
        {
            1 => "UNIGRAM",
            3 => "WORD",
            4 => "CHAR",
            _ => $"type {type}",
        };
}
