using Akka.Actor;
using Akka.Serialization;
using MessagePack;
using MessagePack.Formatters;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>Writes an actor reference as its path with address, and resolves it in the receiving system.</summary>
internal sealed class ActorRefFormatter(ExtendedActorSystem system) : IMessagePackFormatter<IActorRef?>
{
    public void Serialize(ref MessagePackWriter writer, IActorRef? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }

        writer.Write(Serialization.SerializedActorPath(value));
    }

    public IActorRef? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        reader.ReadString() is { } path ? system.Provider.ResolveActorRef(path) : null;
}
