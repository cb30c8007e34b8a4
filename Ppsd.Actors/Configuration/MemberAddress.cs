using Akka.Actor;

namespace Ppsd.Actors.Configuration;

/// <summary>Address of a cluster member as people write it: HOST:PORT, or Akka's own long form.</summary>
public static class MemberAddress
{
    /// <summary>Name of every Ppsd actor system.</summary>
    public const string SystemName = "ppsd";

    /// <summary>The address, over the transport that this process itself uses.</summary>
    /// <param name="text">HOST:PORT or <c>akka.tcp://ppsd@HOST:PORT</c>.</param>
    /// <param name="protocol">Protocol of this process's own address: <c>akka.tcp</c>, or <c>akka.ssl.tcp</c> with TLS.</param>
    /// <exception cref="FormatException">It is neither; one line.</exception>
    public static Address Parse(string text, string protocol = "akka.tcp")
    {
        ArgumentNullException.ThrowIfNull(text);
        var at = text.IndexOf("://", StringComparison.Ordinal);

        // A member speaks TLS or it does not: what this process uses itself is the only protocol it can reach one by.
        var address = at < 0 ? $"{protocol}://{SystemName}@{text}" : protocol + text[at..];
        try
        {
            if (Address.Parse(address) is { Host.Length: > 0, Port: > 0 } parsed)
            {
                return parsed;
            }
        }
        catch (UriFormatException)
        {
            // Reported below, like any other text that is not an address.
        }

        throw new FormatException($"expected HOST:PORT or akka.tcp://{SystemName}@HOST:PORT, found '{text}'");
    }
}
