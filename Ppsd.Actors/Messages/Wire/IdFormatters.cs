using MessagePack;
using MessagePack.Formatters;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>Writes ids as bare integers.</summary>
internal static class IdFormatters
{
    public static IMessagePackFormatter[] All { get; } =
    [
        new Int32Formatter<TokenId>(id => id.Value, value => new TokenId(value)),
        new Int32Formatter<CandidateId>(id => id.Value, value => new CandidateId(value)),
        new Int32Formatter<RunId>(id => id.Value, value => new RunId(value)),
        new Int32Formatter<StageIndex>(id => id.Value, value => new StageIndex(value)),
        new Int32Formatter<PipelineEpoch>(id => id.Value, value => new PipelineEpoch(value)),
        new Int64Formatter<SessionId>(id => id.Value, value => new SessionId(value)),
        new Int64Formatter<BatchNumber>(id => id.Value, value => new BatchNumber(value)),
    ];

    private sealed class Int32Formatter<T>(Func<T, int> toValue, Func<int, T> fromValue) : IMessagePackFormatter<T>
    {
        public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options) =>
            writer.Write(toValue(value));

        public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            fromValue(reader.ReadInt32());
    }

    private sealed class Int64Formatter<T>(Func<T, long> toValue, Func<long, T> fromValue) : IMessagePackFormatter<T>
    {
        public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options) =>
            writer.Write(toValue(value));

        public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            fromValue(reader.ReadInt64());
    }
}
