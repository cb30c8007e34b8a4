using System.Buffers.Binary;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// Walks over the fields of a protobuf message without copying any. Strict: only fields that the caller expects, each at most
/// once, as a second one would be merged into the first by the parser that reads the message later.
/// </summary>
internal ref struct ProtobufFields(ReadOnlySpan<byte> message)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;

    private ReadOnlySpan<byte> _rest = message;
    private ulong _seen;

    /// <summary>Number of the current field.</summary>
    public int Number { get; private set; }

    /// <summary>Content of the current field, if it is bytes, text or a message; empty otherwise.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Value of the current field, if it is a number.</summary>
    public ulong Value { get; private set; }

    /// <summary>True once a field was not as expected; nothing is read after that.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Goes to the next field; false at the end, or where the message is broken.</summary>
    /// <param name="repeated">Number of a field that may come several times.</param>
    public bool TryNext(int repeated = 0)
    {
        if (_rest.IsEmpty || IsBroken)
        {
            return false;
        }

        if (!TryVarint(out var tag) || tag >> 3 is not (> 0 and < 64))
        {
            return Break();
        }

        Number = (int)(tag >> 3);
        var bit = 1UL << Number;
        if ((_seen & bit) != 0 && Number != repeated)
        {
            return Break();
        }

        _seen |= bit;
        Content = default;
        switch ((int)(tag & 7))
        {
            case Varint when TryVarint(out var value):
                Value = value;
                return true;
            case Fixed64 when _rest.Length >= sizeof(ulong):
                Value = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
                _rest = _rest[sizeof(ulong)..];
                return true;
            case Bytes when TryVarint(out var length) && length <= (ulong)_rest.Length:
                Content = _rest[..(int)length];
                _rest = _rest[(int)length..];
                return true;
            default:
                return Break();
        }
    }

    /// <summary>The message is not one that the caller accepts.</summary>
    public bool Break()
    {
        IsBroken = true;
        return false;
    }

    private bool TryVarint(out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && !_rest.IsEmpty; shift += 7)
        {
            var next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
