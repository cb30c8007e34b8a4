using System.Buffers;
using MessagePack;
using MessagePack.Formatters;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>Writes hidden states as bare bytes.</summary>
internal sealed class HiddenStatesFormatter : IMessagePackFormatter<HiddenStates?>
{
    public void Serialize(ref MessagePackWriter writer, HiddenStates? value, MessagePackSerializerOptions options) =>
        writer.Write((value ?? HiddenStates.None).Memory.Span);

    public HiddenStates? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        // The reader looks whether the bytes are there before anything is rented.
        if (reader.ReadBytes() is not { } bytes)
        {
            return null;
        }

        var hidden = HiddenStates.Rent(checked((int)bytes.Length));
        bytes.CopyTo(hidden.Target);
        return hidden;
    }
}
