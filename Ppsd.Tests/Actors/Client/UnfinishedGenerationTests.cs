using System.Runtime.CompilerServices;
using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Text;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Client;

/// <summary>A generation that ends without its last message is an error, wherever it ends.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class UnfinishedGenerationTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_client_whose_process_leaves_the_cluster_gets_an_error_and_not_an_end()
    {
        var system = CreateSystem();
        using var gateway = Inbox.Create(system);
        var client = new PpsdClient(system, gateway.Receiver);
        var reading = CountAsync(client.Start(ToyPipeline.Request([1], 5)).Events());
        Assert.That(await gateway.ReceiveAsync(_patience), Is.TypeOf<StartSession>());

        await system.Terminate();

        var error = await Assert.ThrowsAsync<GenerationException>(() => reading);
        Assert.That(error, Has.Property("Failure").EqualTo(GenerationFailure.Broken));
        Assert.That(error!.Message, Does.Contain("removed from the cluster"));
    }

    [Test]
    public async Task A_request_made_after_the_process_has_left_is_an_error_of_the_same_kind()
    {
        var system = CreateSystem();
        var client = new PpsdClient(system, ActorRefs.Nobody);
        await system.Terminate();

        var error = await Assert.ThrowsAsync<GenerationException>(() =>
            CountAsync(client.Start(ToyPipeline.Request([1], 5)).Events())
        );
        Assert.That(error, Has.Property("Failure").EqualTo(GenerationFailure.Unavailable));

        var text = await Assert.ThrowsAsync<GenerationException>(() =>
            CountAsync(TextGeneration.ReadAsync(system, _ => Props.Empty, CancellationToken.None))
        );
        Assert.That(text, Has.Property("Failure").EqualTo(GenerationFailure.Unavailable));
    }

    [Test]
    public async Task A_client_that_fails_itself_reports_it_and_does_not_ask_again()
    {
        var system = CreateSystem();
        using var gateway = Inbox.Create(system);
        var client = new PpsdClient(system, gateway.Receiver);
        var reading = CountAsync(client.Start(ToyPipeline.Request([1], 5)).Events());
        Assert.That(await gateway.ReceiveAsync(_patience), Is.TypeOf<StartSession>());
        var actor = await system.ActorSelection("/user/$*").ResolveOne(_patience);

        using var watcher = Inbox.Create(system);
        watcher.Watch(actor);

        // No such message comes from the wire, which checks what arrives.
        actor.Tell(new TokensEmitted(default, 0, null!));
        var error = await Assert.ThrowsAsync<GenerationException>(() => reading);
        Assert.That(error!.Message, Does.Contain("the client of the pipeline failed"));
        Assert.That(await watcher.ReceiveAsync(_patience), Is.TypeOf<Terminated>(), "it must not start anew");
        await system.Terminate();
    }

    [Test]
    public async Task A_text_that_its_model_leaves_unfinished_reaches_the_reader_as_a_failure()
    {
        var system = CreateSystem();
        var gateway = system.ActorOf(Props.Create(() => new TextGatewayActor(new UnfinishedModel(), 1)));
        using var reader = Inbox.Create(system);
        gateway.Tell(
            new StartText
            {
                Prompt = "1",
                Settings = new TextSettings(),
                Window = 4,
            },
            reader.Receiver
        );

        Assert.That(await reader.ReceiveAsync(_patience), Is.TypeOf<TextAccepted>());
        Assert.That(await reader.ReceiveAsync(_patience), Is.TypeOf<TextEmitted>());
        var failed = (TextFailed)await reader.ReceiveAsync(_patience);
        Assert.That(failed.Failure, Is.EqualTo(GenerationFailure.Broken));
        await system.Terminate();
    }

    private static ActorSystem CreateSystem() => ActorSystem.Create("unfinished", PpsdConfig.Load(NodeRole.Local));

    private static async Task<int> CountAsync<T>(IAsyncEnumerable<T> parts)
    {
        var count = 0;
        await foreach (var _ in parts)
        {
            count++;
        }

        return count;
    }

    /// <summary>Stops in the middle, as if the pipeline behind it had gone.</summary>
    private sealed class UnfinishedModel : ITextModel
    {
        public string Name => "unfinished";

        public async IAsyncEnumerable<IWireMessage> GenerateAsync(
            StartText request,
            [EnumeratorCancellation] CancellationToken cancellation
        )
        {
            await Task.Yield();
            yield return new TextEmitted(0, "x");
        }
    }
}
