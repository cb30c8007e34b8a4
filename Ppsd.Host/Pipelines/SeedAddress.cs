using Akka.Actor;

namespace Ppsd.Host.Pipelines;

/// <summary>Address of a cluster member as users write it: HOST:PORT, or Akka's own long form.</summary>
internal static class SeedAddress
{
    /// <summary>The long form.</summary>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public static string Parse(string text)
    {
        var address = text.Contains("://", StringComparison.Ordinal) ? text : $"akka.tcp://ppsd@{text}";
        try
        {
            return Address.Parse(address) is { Host.Length: > 0, Port: > 0 }
                ? address
                : throw new UriFormatException("host or port is missing");
        }
        catch (UriFormatException)
        {
            throw new UserErrorException($"seed node: expected HOST:PORT or akka.tcp://ppsd@HOST:PORT, found '{text}'");
        }
    }
}
