namespace Ppsd.Actors.Client;

/// <summary>How a client app joins a cluster. Checked by <see cref="PpsdClientOptionsValidator"/>.</summary>
public sealed record PpsdClientOptions
{
    /// <summary>Members to join, as HOST:PORT; any one that can be reached suffices. Seeds of the HOCON file if empty.</summary>
    public IReadOnlyList<string> SeedNodes { get; set; } = [];

    /// <summary>HOCON file that overrides the built-in settings; null for none.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>Address to bind and be reached at; null for loopback.</summary>
    public string? Hostname { get; set; }

    /// <summary>Folder with <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c> for a cluster that speaks TLS; null for none.</summary>
    public string? TlsFolder { get; set; }

    /// <summary>The secret of a cluster whose nodes were started with <c>--cluster-secret</c>; null for none.</summary>
    public string? ClusterSecret { get; set; }

    /// <summary>
    /// Most times that another pipeline may go on with one text when a stage has died, its reader noticing a pause; 0 to end it
    /// with an error.
    /// </summary>
    public int MaxResumes { get; set; } = 3;

    /// <summary>How long to wait for an answer to a request.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(15);
}
