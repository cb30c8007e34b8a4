using Google.Protobuf;
using Ppsd.Host.Text.SentencePieces;

namespace Ppsd.Tests.Host.Text;

/// <summary>
/// Writes a small tokenizer.model: control pieces, the 256 bytes, then the given pieces with falling scores.
/// </summary>
internal sealed class SentencePieceFile
{
    public int ModelType { get; init; } = 2;

    public bool ByteFallback { get; init; } = true;

    public bool WhitespaceAsSuffix { get; init; }

    public bool RemoveExtraWhitespaces { get; init; }

    public bool EscapeWhitespaces { get; init; } = true;

    public bool AddDummyPrefix { get; init; } = true;

    public byte[] CharsMap { get; init; } = [];

    public IReadOnlyList<(string Text, SentencePieceKind Kind)> Pieces { get; init; } = [];

    public const int FirstPieceId = 3 + 256;

    public byte[] ToBytes() =>
        Message(output =>
        {
            WritePiece(output, "<unk>", 0, SentencePieceKind.Unknown);
            WritePiece(output, "<s>", 0, SentencePieceKind.Control);
            WritePiece(output, "</s>", 0, SentencePieceKind.Control);
            for (var value = 0; value < 256; value++)
            {
                WritePiece(output, $"<0x{value:X2}>", 0, SentencePieceKind.Byte);
            }

            foreach (var (index, (text, kind)) in Pieces.Index())
            {
                WritePiece(output, text, -index, kind);
            }

            Nested(output, 2, TrainerSpec);
            Nested(output, 3, NormalizerSpec);
        });

    private void TrainerSpec(CodedOutputStream output)
    {
        Field(output, 3, ModelType);
        Field(output, 24, WhitespaceAsSuffix ? 1 : 0);
        Field(output, 35, ByteFallback ? 1 : 0);
    }

    private void NormalizerSpec(CodedOutputStream output)
    {
        output.WriteTag(1, WireFormat.WireType.LengthDelimited);
        output.WriteString("nmt_nfkc");
        output.WriteTag(2, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(CharsMap));
        Field(output, 3, AddDummyPrefix ? 1 : 0);
        Field(output, 4, RemoveExtraWhitespaces ? 1 : 0);
        Field(output, 5, EscapeWhitespaces ? 1 : 0);
    }

    private static void WritePiece(CodedOutputStream output, string text, float score, SentencePieceKind kind) =>
        Nested(
            output,
            1,
            piece =>
            {
                piece.WriteTag(1, WireFormat.WireType.LengthDelimited);
                piece.WriteString(text);
                piece.WriteTag(2, WireFormat.WireType.Fixed32);
                piece.WriteFloat(score);
                Field(piece, 3, (int)kind);
            }
        );

    private static void Field(CodedOutputStream output, int number, int value)
    {
        output.WriteTag(number, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void Nested(CodedOutputStream output, int number, Action<CodedOutputStream> write)
    {
        output.WriteTag(number, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes))
        {
            write(output);
        }

        return bytes.ToArray();
    }
}
