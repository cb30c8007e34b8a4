using System.Runtime.CompilerServices;
using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>Starts generations on a pipeline, in this process or on a cluster. Thread-safe.</summary>
public sealed class PpsdClient
{
    private readonly IClientHomes _homes;
    private readonly TimeSpan _startTimeout;
    private readonly ResumePolicy _resumes;
    private readonly TimeProvider _clock;

    /// <summary>Creates a client.</summary>
    /// <param name="system">Where the client's actors live.</param>
    /// <param name="gateway">Coordinator, or a proxy of it, or in one process the draft stage.</param>
    /// <param name="startTimeout">How long to wait for an answer to a request.</param>
    /// <param name="resumes">
    /// Whether another pipeline may go on with a text when one died; null for not, as where there will be no other.
    /// </param>
    /// <param name="clock">Time that resumed texts are measured by; the system's if null.</param>
    public PpsdClient(
        ActorSystem system,
        IActorRef gateway,
        TimeSpan? startTimeout = null,
        ResumePolicy? resumes = null,
        TimeProvider? clock = null
    )
        : this(new OnlyHome(new ClientHome(system, gateway)), startTimeout, resumes, clock) { }

    internal PpsdClient(
        IClientHomes homes,
        TimeSpan? startTimeout = null,
        ResumePolicy? resumes = null,
        TimeProvider? clock = null
    )
    {
        _resumes = resumes ?? ResumePolicy.Off;
        _clock = clock ?? TimeProvider.System;
        _homes = homes;
        _startTimeout = startTimeout ?? TimeSpan.FromSeconds(15);
    }

    /// <summary>Starts a generation; refusals and failures come with its events.</summary>
    /// <param name="resumes">False to end it with an error when its pipeline dies.</param>
    public Generation Start(StartSession request, bool resumes = true) =>
        new(_homes, request, _startTimeout, resumes ? _resumes : ResumePolicy.Off, _clock);

    /// <summary>Generates tokens and yields them as they are verified.</summary>
    /// <param name="request">The prompt and how to decode.</param>
    /// <param name="cancellation">Ends the session at every stage, as leaving the loop does.</param>
    /// <exception cref="GenerationException">It was refused or broke off.</exception>
    public async IAsyncEnumerable<TokenId> GenerateAsync(
        StartSession request,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        await foreach (var next in Start(request).Events(cancellation).ConfigureAwait(false))
        {
            if (next is TokensGenerated generated)
            {
                foreach (var token in generated.Tokens)
                {
                    yield return token;
                }
            }
        }
    }
}
