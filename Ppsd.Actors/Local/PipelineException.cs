namespace Ppsd.Actors.Local;

/// <summary>A pipeline could not be formed; the message is one line for the user.</summary>
public sealed class PipelineException : Exception
{
    /// <inheritdoc />
    public PipelineException(string message)
        : base(message) { }
}
