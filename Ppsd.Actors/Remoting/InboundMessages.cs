using System.Text;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// Decides which messages of other processes may reach which actors. Every frame is checked here before remoting sees it. Allowed
/// are our own messages, which the serializer lists, and the few of Akka's that membership, death watch and the singleton need.
/// Akka alone would also deliver messages that stop, kill, suspend or restart an actor, that take a node down, or that load
/// types by name. Pure.
/// </summary>
internal static class InboundMessages
{
    // Identifiers of serializers: Akka's reference.conf, and WireSerializer.
    private const ulong Cluster = 5;
    private const ulong Selection = 6;
    private const ulong Singleton = 14;
    private const ulong Misc = 16;
    private const ulong System = 22;
    private const ulong Wire = 7368;

    /// <summary>True when a frame holds only allowed messages.</summary>
    /// <param name="frame">A frame of remoting, WireFormats.proto's AkkaProtocolMessage.</param>
    /// <param name="complaint">Why it is refused; means nothing when it is allowed.</param>
    public static bool IsAllowed(ReadOnlySpan<byte> frame, out string complaint)
    {
        var fields = new ProtobufFields(frame);
        ReadOnlySpan<byte> payload = default;
        var isInstruction = false;
        while (fields.TryNext())
        {
            _ = fields.Number switch
            {
                1 => (payload = fields.Content).IsEmpty,
                2 => isInstruction = true,
                _ => fields.Break(),
            };
        }

        complaint = "a frame that does not parse";
        return !fields.IsBroken && (isInstruction ? payload.IsEmpty : IsContainerAllowed(payload, ref complaint));
    }

    /// <summary>The address that a peer gives for itself in the frame that opens an association; null for any other frame.</summary>
    public static (string Host, int Port)? OriginOf(ReadOnlySpan<byte> frame)
    {
        var origin = Part(Part(Part(frame, 2), 2), 1);
        var port = 0;
        var fields = new ProtobufFields(origin);
        while (fields.TryNext())
        {
            if (fields.Number == 3 && fields.Value <= ushort.MaxValue)
            {
                port = (int)fields.Value;
            }
        }

        return port > 0 && !fields.IsBroken ? (Encoding.UTF8.GetString(Part(origin, 2)), port) : null;
    }

    /// <summary>AckAndEnvelopeContainer: acknowledgements of system messages, and a message.</summary>
    private static bool IsContainerAllowed(ReadOnlySpan<byte> container, ref string complaint)
    {
        var fields = new ProtobufFields(container);
        ReadOnlySpan<byte> envelope = default;
        while (fields.TryNext())
        {
            _ = fields.Number switch
            {
                1 => true,
                2 => (envelope = fields.Content).IsEmpty,
                _ => fields.Break(),
            };
        }

        if (fields.IsBroken || envelope.IsEmpty)
        {
            return !fields.IsBroken;
        }

        fields = new ProtobufFields(envelope);
        ReadOnlySpan<byte> recipient = default;
        ReadOnlySpan<byte> message = default;
        while (fields.TryNext())
        {
            _ = fields.Number switch
            {
                1 => (recipient = fields.Content).IsEmpty,
                2 => (message = fields.Content).IsEmpty,
                4 or 5 => true,
                _ => fields.Break(),
            };
        }

        return !fields.IsBroken && IsMessageAllowed(PathOf(Part(recipient, 1)), message, ref complaint);
    }

    private static bool IsMessageAllowed(ReadOnlySpan<byte> path, ReadOnlySpan<byte> message, ref string complaint)
    {
        var fields = new ProtobufFields(message);
        ReadOnlySpan<byte> manifest = default;
        ReadOnlySpan<byte> content = default;
        var serializer = 0UL;
        while (fields.TryNext())
        {
            _ = fields.Number switch
            {
                1 => (content = fields.Content).IsEmpty,
                2 => (serializer = fields.Value) == 0,
                3 => (manifest = fields.Content).IsEmpty,
                _ => fields.Break(),
            };
        }

        if (fields.IsBroken)
        {
            return false;
        }

        var isAllowed = serializer switch
        {
            Wire => IsUnder(path, "/user/"u8) || IsUnder(path, "/temp/"u8),
            Cluster => (IsUnder(path, "/system/cluster/"u8) || path.SequenceEqual("/system/other-cluster"u8))
                && IsOfCluster(manifest),
            Singleton => path.SequenceEqual("/user/coordinator"u8),
            Misc => IsMiscAllowed(path, manifest),
            System => !path.IsEmpty && IsOfDeathWatch(manifest),
            Selection => (path.IsEmpty || path.SequenceEqual("/"u8)) && IsSelectionAllowed(content, ref complaint),
            _ => false,
        };
        if (!isAllowed && serializer != Selection)
        {
            complaint =
                $"'{Encoding.UTF8.GetString(manifest[..Math.Min(manifest.Length, 80)])}' of serializer {serializer} for "
                + (path.IsEmpty ? "/" : Encoding.UTF8.GetString(path[..Math.Min(path.Length, 80)]));
        }

        return isAllowed;
    }

    /// <summary>SelectionEnvelope: a path below the root, and a message, which is judged as if sent there directly.</summary>
    private static bool IsSelectionAllowed(ReadOnlySpan<byte> selection, ref string complaint)
    {
        const int ChildName = 2;
        const int MaxPathBytes = 128;
        var fields = new ProtobufFields(selection);
        ReadOnlySpan<byte> message = default;
        Span<byte> path = stackalloc byte[MaxPathBytes];
        var length = 0;
        while (fields.TryNext(repeated: 2))
        {
            if (fields.Number == 1)
            {
                message = fields.Content;
                continue;
            }

            var type = 0UL;
            ReadOnlySpan<byte> name = default;
            var pattern = new ProtobufFields(fields.Number == 2 ? fields.Content : default);
            while (pattern.TryNext())
            {
                _ = pattern.Number switch
                {
                    1 => (type = pattern.Value) == 0,
                    2 => (name = pattern.Content).IsEmpty,
                    _ => pattern.Break(),
                };
            }

            if (pattern.IsBroken || type != ChildName || name.IsEmpty || length + 1 + name.Length > MaxPathBytes)
            {
                return fields.Break();
            }

            path[length++] = (byte)'/';
            name.CopyTo(path[length..]);
            length += name.Length;
        }

        complaint = "a selection of an actor that is not a plain path";

        // Akka itself checks which paths a selection may name: the setting trusted-selection-paths.
        return !fields.IsBroken && IsMessageAllowed(path[..length], message, ref complaint);
    }

    private static bool IsOfCluster(ReadOnlySpan<byte> manifest) =>
        !manifest.StartsWith("Akka.Cluster.ClusterUserAction"u8) && !manifest.StartsWith("Akka.Cluster.Routing"u8);

    private static bool IsMiscAllowed(ReadOnlySpan<byte> path, ReadOnlySpan<byte> manifest) =>
        manifest.SequenceEqual("ID"u8)
        || manifest.SequenceEqual("AID"u8)
        || (path.SequenceEqual("/system/remote-watcher"u8) && manifest.StartsWith("RWH"u8));

    private static bool IsOfDeathWatch(ReadOnlySpan<byte> manifest) =>
        manifest.StartsWith("Akka.Dispatch.SysMsg.Watch, "u8)
        || manifest.StartsWith("Akka.Dispatch.SysMsg.Unwatch, "u8)
        || manifest.StartsWith("Akka.Dispatch.SysMsg.DeathWatchNotification, "u8);

    private static bool IsUnder(ReadOnlySpan<byte> path, ReadOnlySpan<byte> folder) => path.StartsWith(folder);

    /// <summary>The path within a node, of <c>akka.tcp://ppsd@host:port/path#uid</c>; empty for the root.</summary>
    private static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> recipient)
    {
        var host = recipient.IndexOf("://"u8);
        var slash = host < 0 ? -1 : recipient[(host + 3)..].IndexOf((byte)'/');
        if (slash < 0)
        {
            return default;
        }

        var path = recipient[(host + 3 + slash)..];
        var uid = path.IndexOf((byte)'#');
        return uid < 0 ? path : path[..uid];
    }

    /// <summary>The content of a message's field; empty when it has none.</summary>
    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> message, int number)
    {
        var fields = new ProtobufFields(message);
        while (fields.TryNext())
        {
            if (fields.Number == number)
            {
                return fields.Content;
            }
        }

        return default;
    }
}
