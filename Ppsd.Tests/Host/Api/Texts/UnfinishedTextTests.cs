using System.Net;
using System.Threading.Channels;
using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Api;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Pipelines;

namespace Ppsd.Tests.Host.Api.Texts;

/// <summary>Texts that end without their last message are errors over HTTP too, with a status or an event of their own.</summary>
public sealed class UnfinishedTextTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [TestCase("/v1/completions", """{"prompt":"x"}""")]
    [TestCase("/v1/completions", """{"prompt":"x","stream":true}""")]
    [TestCase("/v1/completions", """{"prompt":["x","y"],"n":2}""")]
    [TestCase("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}]}""")]
    [TestCase("/v1/responses", """{"input":"x"}""")]
    public async Task A_process_that_its_cluster_removes_answers_503(string route, string body)
    {
        await using var pipeline = new PlayedPipeline();
        await using var server = await pipeline.ServeAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        var answer = http.PostAsync(route, body);
        await pipeline.ReceiveAsync();

        await pipeline.LeaveAsync();

        var error = HttpAnswers.AssertError(await answer, 503);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("removed from the cluster"));
    }

    [TestCase("/v1/completions", """{"prompt":"x","stream":true}""")]
    [TestCase("/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"stream":true}""")]
    [TestCase("/v1/responses", """{"input":"x","stream":true}""")]
    public async Task A_stream_that_has_begun_ends_with_an_error_event(string route, string body)
    {
        await using var pipeline = new PlayedPipeline();
        await using var server = await pipeline.ServeAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = HttpAnswers.Json(body) };
        var sending = http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await pipeline.StartAsync();
        using var response = await sending;
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));

        await pipeline.LeaveAsync();

        var text = await response.Content.ReadAsStringAsync();
        Assert.That(text, Does.Contain("event: error\ndata: {").And.Contain("removed from the cluster"));
        Assert.That(text, Does.Not.Contain("[DONE]").And.Not.Contain("response.completed"));
    }

    [Test]
    public async Task A_stage_that_fails_to_compute_is_a_500_with_its_reason()
    {
        const string reason = "stage 2: the model's logits are not finite";
        await using var pipeline = new PlayedPipeline();
        await using var server = await pipeline.ServeAsync();
        using var http = new HttpClient { BaseAddress = server.Address };
        foreach (var (isFault, status) in ((bool, int)[])[(true, 500), (false, 503)])
        {
            var answer = http.PostAsync("/v1/completions", """{"prompt":"x"}""");
            var (client, session) = await pipeline.StartAsync();
            client.Tell(new SessionFailed(session, reason, isFault));
            var error = HttpAnswers.AssertError(await answer, status);
            Assert.That(error.GetProperty("message").GetString(), Is.EqualTo(reason));
        }
    }

    /// <summary>A pipeline whose first stage the test plays, in an actor system that it can end.</summary>
    private sealed class PlayedPipeline : IPipelineAccess
    {
        private readonly ActorSystem _system = ActorSystem.Create("played", PpsdConfig.Load(NodeRole.Local));
        private readonly Channel<IActorRef> _clients = Channel.CreateUnbounded<IActorRef>();
        private readonly IActorRef _stage;
        private int _sessions;

        public PlayedPipeline()
        {
            _stage = _system.ActorOf(Props.Create(() => new Stage(_clients.Writer)));
            Client = new PpsdClient(_system, _stage);
        }

        public PpsdClient Client { get; }

        public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) =>
            SharedServer.Pipeline.GetSnapshotAsync(timeout);

        public Task<ApiServer> ServeAsync() =>
            ApiServer.StartAsync(
                SharedServer.Assets,
                this,
                new ServerSettings
                {
                    Port = 0,
                    DrainTimeout = TimeSpan.Zero,
                    TelemetryName = $"ppsd-{Guid.NewGuid():N}",
                },
                TimeProvider.System
            );

        /// <summary>The client of the next session that is asked for.</summary>
        public Task<IActorRef> ReceiveAsync() => _clients.Reader.ReadAsync().AsTask().WaitAsync(_patience);

        /// <summary>Starts the session that is asked for, and sends its first token.</summary>
        public async Task<(IActorRef Client, SessionId Session)> StartAsync()
        {
            var client = await ReceiveAsync();
            var session = SessionId.Create(new PipelineEpoch(1), _sessions++);
            client.Tell(new SessionStarted(session), _stage);
            client.Tell(new TokensEmitted(session, 0, [new TokenId(300)]), _stage);
            return (client, session);
        }

        public Task LeaveAsync() => _system.Terminate();

        public async ValueTask DisposeAsync()
        {
            await _system.Terminate();
            _system.Dispose();
        }

        private sealed class Stage : ReceiveActor
        {
            public Stage(ChannelWriter<IActorRef> clients) => Receive<StartSession>(_ => clients.TryWrite(Sender));
        }
    }
}
