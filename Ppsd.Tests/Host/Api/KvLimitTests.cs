using System.Net;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Api;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Generation;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;

namespace Ppsd.Tests.Host.Api;

/// <summary>A pipeline whose KV cache is smaller than the model's context: what it holds is the limit of a text.</summary>
public sealed class KvLimitTests
{
    [Test]
    public async Task A_chat_without_a_limit_gets_what_the_pipeline_holds()
    {
        await using var pipeline = await InProcessPipeline.StartAsync(
            SharedServer.Assets,
            StagePlan.Even(SharedServer.Assets.Config.LayerCount, 2),
            new StageSettings
            {
                Devices = ["cpu"],
                Threads = 1,
                KvCacheBytes = 1 << 20,
            },
            new NodeSettings(),
            TimeProvider.System
        );
        await using var server = await ApiServer.StartAsync(
            SharedServer.Assets,
            pipeline,
            new ServerSettings { Port = 0, TelemetryName = $"ppsd-{Guid.NewGuid():N}" },
            TimeProvider.System
        );
        using var http = new HttpClient { BaseAddress = server.Address };
        var models = await http.ReadAsync("/v1/models");
        var limit = models.Body.GetProperty("data")[0].GetProperty("max_model_len").GetInt32();
        Assert.That(limit, Is.InRange(16, 2047));

        var chat = $"{{\"messages\":{HttpAnswers.Question},\"ignore_eos\":true";
        var (status, answer) = await http.PostAsync("/v1/chat/completions", $"{chat}}}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(answer.GetProperty("usage").GetProperty("total_tokens").GetInt32(), Is.EqualTo(limit));

        var refused = await http.PostAsync("/v1/chat/completions", $"{chat},\"max_tokens\":{limit}}}");
        var error = HttpAnswers.AssertError(refused, 400);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain($"{limit} tokens").And.Contain("KV cache"));

        // Client apps know no pipeline: their text gateway leaves the limit to it.
        var gateway = new GatewayModel(pipeline.Client, SharedServer.Assets, DraftSettings.Usual(SharedServer.Assets));
        var request = new StartText
        {
            Prompt = "USER: hi ASSISTANT:",
            Settings = new TextSettings { IgnoresEndTokens = true },
            Window = 1,
        };
        TextEnded? end = null;
        await foreach (var part in gateway.GenerateAsync(request, CancellationToken.None))
        {
            end = part as TextEnded;
        }

        Assert.That(end!.Stats.PromptTokens + end.Stats.GeneratedTokens, Is.EqualTo(limit));
    }
}
