using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>
/// Takes the place of Akka's JSON serializer (id 1), which would instantiate whatever type a frame names: both
/// directions are refused, so there is no way in but <see cref="WireSerializer"/> and Akka's own protocol.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    private readonly WireRefusals _refusals;

    /// <summary>Called by Akka in place of a serializer without settings.</summary>
    public RefusingSerializer(ExtendedActorSystem system)
        : base(system) => _refusals = WireRefusals.Of(system);

    /// <summary>Called by Akka, which passes the settings of the serializer it replaces.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config config)
        : this(system) => _ = config;

    /// <inheritdoc />
    public override int Identifier => 1;

    /// <inheritdoc />
    public override bool IncludeManifest => false;

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj?.GetType().Name} is not a message of the wire protocol");

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, Type type)
    {
        _refusals.Add();
        throw new WireRefusedException("only messages of the wire protocol are read");
    }
}
