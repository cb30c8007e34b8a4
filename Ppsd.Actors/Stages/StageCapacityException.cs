namespace Ppsd.Actors.Stages;

/// <summary>A stage has no room for a session; the message is one line for the user.</summary>
public sealed class StageCapacityException : Exception
{
    /// <inheritdoc />
    public StageCapacityException(string message)
        : base(message) { }

    /// <inheritdoc />
    public StageCapacityException(string message, Exception innerException)
        : base(message, innerException) { }
}
