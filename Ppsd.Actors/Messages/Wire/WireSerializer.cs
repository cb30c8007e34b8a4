using System.Buffers;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using MessagePack;
using MessagePack.Resolvers;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>
/// The only serializer of our own messages: MessagePack under fixed manifests. A type that is not on the list of <see
/// cref="WireManifests"/>, or bytes that do not parse as their manifest's type, are refused with a <see
/// cref="SerializationException"/>, which remoting logs and drops, and counted. Lengths are checked against the bytes
/// that are there before anything is allocated.
/// </summary>
public sealed class WireSerializer : SerializerWithStringManifest
{
    private readonly MessagePackSerializerOptions _options;
    private readonly WireRefusals _refusals;

    /// <summary>Called by Akka.</summary>
    public WireSerializer(ExtendedActorSystem system)
        : base(system)
    {
        _refusals = WireRefusals.Of(system);
        var resolver = CompositeResolver.Create(
            [.. IdFormatters.All, new HiddenStatesFormatter(), new ActorRefFormatter(system)],
            [StandardResolver.Instance]
        );
        _options = MessagePackSerializerOptions
            .Standard.WithResolver(resolver)
            .WithSecurity(MessagePackSecurity.UntrustedData);
    }

    /// <inheritdoc />
    public override int Identifier => 7368;

    /// <inheritdoc />
    public override string Manifest(object o) =>
        WireManifests.ManifestOf(o.GetType())
        ?? throw new SerializationException($"{o.GetType().Name} is not a message of the wire protocol");

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) => MessagePackSerializer.Serialize(obj.GetType(), obj, _options);

    /// <summary>As <see cref="ToBinary"/>, into memory of the caller's.</summary>
    public void Write(object message, IBufferWriter<byte> target) =>
        MessagePackSerializer.Serialize(message.GetType(), target, message, _options);

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, string manifest) =>
        FromBinary((ReadOnlyMemory<byte>)bytes, manifest);

    /// <summary>Like the other overload; the message does not keep a reference to the memory.</summary>
    public object FromBinary(ReadOnlyMemory<byte> bytes, string manifest)
    {
        try
        {
            return Read(bytes, manifest);
        }
        catch (SerializationException e)
        {
            _refusals.Add();
            throw new WireRefusedException(e.Message, e);
        }
    }

    private object Read(ReadOnlyMemory<byte> bytes, string manifest)
    {
        var type =
            WireManifests.TypeOf(manifest)
            ?? throw new SerializationException($"manifest '{manifest}' is not of the wire protocol");
        try
        {
            var message =
                MessagePackSerializer.Deserialize(type, bytes, _options)
                ?? throw new SerializationException($"a '{manifest}' message is nil");
            WireChecks.Check(message);
            return message;
        }
        catch (MessagePackSerializationException e)
        {
            throw new SerializationException($"a '{manifest}' message does not parse: {e.Message}", e);
        }
    }
}
