namespace Ppsd.Host.Bench.Serving;

/// <summary>A request of the serving benchmark, as it goes over the wire.</summary>
/// <param name="Route">Where to.</param>
/// <param name="Body">JSON.</param>
internal sealed record ServeRequest(string Route, byte[] Body);
