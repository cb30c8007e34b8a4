namespace Ppsd.Actors.Client;

/// <summary>Why a generation gave no text, or broke off.</summary>
public enum GenerationFailure
{
    /// <summary>The request can never be served in this form.</summary>
    BadRequest,

    /// <summary>No pipeline could take it; trying again later may help.</summary>
    Unavailable,

    /// <summary>It broke off: a stage was lost, or the way to it; trying again later may help.</summary>
    Broken,

    /// <summary>A stage failed to compute it; the same request is likely to fail again.</summary>
    Failed,
}

/// <summary>A generation was refused or broke off; the message is one line for the user.</summary>
public sealed class GenerationException : Exception
{
    /// <summary>One sentence for both ends of a race: a request's texts start one by one while the system stops.</summary>
    private const string Leaving = "this process was removed from the cluster, or is stopping";

    /// <summary>Creates the exception.</summary>
    public GenerationException(GenerationFailure failure, string message, Exception? cause = null)
        : base(message, cause) => Failure = failure;

    /// <summary>Of what kind the failure is.</summary>
    public GenerationFailure Failure { get; }

    /// <summary>True where the way to the text was lost: another gateway may go on with it, or this process once it has joined anew.</summary>
    internal bool CanGoOn { get; private init; }

    /// <summary>The way to a text was lost.</summary>
    internal static GenerationException Lost(string message) =>
        new(GenerationFailure.Broken, message) { CanGoOn = true };

    /// <summary>The client's end of a generation has stopped before the last message came.</summary>
    internal static GenerationException Unfinished() => Lost(Leaving + ", before the text was complete");

    /// <summary>Nothing can be started any more on an actor system that ends.</summary>
    internal static GenerationException OfLeaving(Exception cause) =>
        new(GenerationFailure.Unavailable, Leaving, cause) { CanGoOn = true };
}
