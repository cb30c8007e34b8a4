namespace Ppsd.Host.Bench.Serving;

/// <summary>Settings of the serving benchmark.</summary>
internal sealed record ServeBenchSettings
{
    /// <summary>Requests in flight at most.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>Requests in all.</summary>
    public int RequestCount { get; init; } = 64;

    /// <summary>Requests a second, evenly spaced; infinity sends each as soon as another has ended.</summary>
    public double RequestsPerSecond { get; init; } = double.PositiveInfinity;

    /// <summary>Tokens of every answer: end tokens are ignored.</summary>
    public int MaxTokens { get; init; } = 128;

    /// <summary>Sampling temperature; 0 is greedy.</summary>
    public float Temperature { get; init; }

    /// <summary>Key of the noise.</summary>
    public long Seed { get; init; }

    /// <summary>True to decode with drafts; null for the server's default.</summary>
    public bool? Speculation { get; init; }

    /// <summary>True when the server accepts this program's own fields.</summary>
    public bool IsPpsd { get; init; } = true;
}
