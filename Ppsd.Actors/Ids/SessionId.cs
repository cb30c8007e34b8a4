using System.Globalization;

namespace Ppsd.Actors.Ids;

/// <summary>
/// One request's life on a pipeline. The upper half is the pipeline's epoch, so a session of a pipeline that has since
/// been re-formed can never be mistaken for a new one.
/// </summary>
/// <param name="Value">Epoch in the upper 32 bits, a counter in the lower.</param>
public readonly record struct SessionId(long Value)
{
    /// <summary>The pipeline's epoch.</summary>
    public PipelineEpoch Epoch => new((int)(Value >> 32));

    /// <summary>Composes an id.</summary>
    public static SessionId Create(PipelineEpoch epoch, int number) => new(((long)epoch.Value << 32) | (uint)number);

    /// <inheritdoc />
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"session {Epoch.Value}.{(uint)Value}");
}
