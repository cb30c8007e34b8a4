using Ppsd.Actors.Configuration;

namespace Ppsd.Host.Pipelines;

/// <summary>Address of a cluster member as users write it: HOST:PORT, or Akka's own long form.</summary>
internal static class SeedAddress
{
    /// <summary>The text, if it is an address.</summary>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public static string Parse(string text)
    {
        try
        {
            return MemberAddress.Parse(text).ToString();
        }
        catch (FormatException e)
        {
            throw new UserErrorException($"seed node: {e.Message}", e);
        }
    }
}
