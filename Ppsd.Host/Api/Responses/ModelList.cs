namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/models</c>.</summary>
internal sealed record ModelList(ModelEntry[] Data)
{
    /// <summary>What this is.</summary>
    public string Object { get; } = "list";
}

/// <summary>A model.</summary>
/// <param name="Id">What clients call it.</param>
/// <param name="Created">When the server started, in seconds since 1970.</param>
/// <param name="MaxModelLen">Positions of a text, prompt included.</param>
internal sealed record ModelEntry(string Id, long Created, int MaxModelLen)
{
    /// <summary>What this is.</summary>
    public string Object { get; } = "model";

    /// <summary>Whose it is.</summary>
    public string OwnedBy { get; } = "ppsd";
}
