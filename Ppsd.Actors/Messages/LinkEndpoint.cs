using MessagePack;
using Ppsd.Actors.Links;

namespace Ppsd.Actors.Messages;

/// <summary>Where a stage takes messages of the data path from its peers directly; see <see cref="StageLinks"/>.</summary>
/// <param name="Host">Name or address, as others reach the node.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Key">
/// Secret that a peer must prove it has; the coordinator sends it to the pipeline's stages only.
/// </param>
[MessagePackObject]
public sealed record LinkEndpoint(
    [property: Key(0)] string Host,
    [property: Key(1)] int Port,
    [property: Key(2)] byte[] Key
)
{
    /// <summary>Bytes of a key.</summary>
    public const int KeyBytes = 16;
}
