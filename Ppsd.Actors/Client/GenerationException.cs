namespace Ppsd.Actors.Client;

/// <summary>Why a generation gave no text, or broke off.</summary>
public enum GenerationFailure
{
    /// <summary>The request can never be served in this form.</summary>
    BadRequest,

    /// <summary>No pipeline could take it; trying again later may help.</summary>
    Unavailable,

    /// <summary>It broke off: a stage was lost or failed.</summary>
    Broken,
}

/// <summary>A generation was refused or broke off; the message is one line for the user.</summary>
public sealed class GenerationException : Exception
{
    /// <summary>Creates the exception.</summary>
    public GenerationException(GenerationFailure failure, string message, Exception? cause = null)
        : base(message, cause) => Failure = failure;

    /// <summary>Nothing can be started any more on an actor system that ends.</summary>
    internal static GenerationException OfLeaving(Exception cause) =>
        new(GenerationFailure.Unavailable, "this process ends, or has left the cluster", cause);

    /// <summary>Of what kind the failure is.</summary>
    public GenerationFailure Failure { get; }
}
