using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api;

/// <summary>A server that coordinates four stage processes, one of which is killed under load.</summary>
[NonParallelizable] // Seconds count from a kill on.
public sealed class ServedClusterTests
{
    private const string Completions = "/v1/completions";
    private const string Short = """{"prompt":"USER: How many legs do 3 cats have? ASSISTANT:","max_tokens":12}""";
    private const string Long =
        """{"prompt":"USER: hi ASSISTANT:","max_tokens":1900,"ignore_eos":true,"stream":true,"resume":false}""";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);

    [Test]
    public async Task A_stage_killed_under_load_ends_requests_clearly_and_service_resumes_when_another_joins()
    {
        var stages = new List<StageUnderTest>();
        await using var server = await ServerProcess.StartAsync("--cluster", "--stages", "4");
        try
        {
            HttpAnswers.AssertError(await server.Http.PostAsync(Completions, Short), 503);
            for (var i = 0; i < 4; i++)
            {
                stages.Add(await StageUnderTest.StartAsync(["--seed-node", server.Node!]));
            }

            await WaitForReadyAsync(server.Http, TimeSpan.FromSeconds(60));
            var (status, expected) = await server.Http.PostAsync(Completions, Short);
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK), expected.ToString());

            var streams = new List<Task<(string Text, TimeSpan After)>>();
            var killed = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            var begun = new CountdownEvent(3);
            for (var i = 0; i < 3; i++)
            {
                streams.Add(ReadAsync(server.Http, begun, killed.Task));
            }

            await Task.Run(() => begun.Wait(TimeSpan.FromSeconds(30)));
            var third = (await server.Http.ReadAsync("/cluster")).Body.GetProperty("stages")[2];
            var victim = stages.Find(stage => stage.Address == third.GetProperty("node").GetString())!;
            victim.Kill();
            killed.SetResult(Stopwatch.GetTimestamp());

            foreach (var (text, after) in await Task.WhenAll(streams))
            {
                Assert.That(after, Is.LessThan(_limit));
                Assert.That(text, Does.Contain("event: error").And.Contain("stage 3").And.Not.Contain("[DONE]"));
            }

            HttpAnswers.AssertError(await server.Http.PostAsync(Completions, Short), 503);
            Assert.That(
                (await server.Http.ReadAsync("/health/ready")).Status,
                Is.EqualTo(HttpStatusCode.ServiceUnavailable)
            );
            Assert.That((await server.Http.ReadAsync("/health")).Status, Is.EqualTo(HttpStatusCode.OK));

            stages.Add(await StageUnderTest.StartAsync(["--seed-node", server.Node!]));
            await WaitForReadyAsync(server.Http, TimeSpan.FromSeconds(60));
            var (again, answer) = await server.Http.PostAsync(Completions, Short);
            Assert.That(again, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
            Assert.That(TextOf(answer), Is.EqualTo(TextOf(expected)));
            await ServedPipeline.AssertNothingHeldAsync(server.Http);
        }
        finally
        {
            await Task.WhenAll(stages.Select(stage => stage.DisposeAsync().AsTask()));
        }
    }

    [Test]
    public async Task A_stage_process_of_the_servers_own_that_dies_is_replaced_and_service_resumes()
    {
        await using var server = await ServerProcess.StartAsync("--processes", "4", "--threads", "1");
        var (_, expected) = await server.Http.PostAsync(Completions, Short);

        server.KillAChild();
        await WaitForAsync(server.Http, HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(15));
        await WaitForAsync(server.Http, HttpStatusCode.OK, TimeSpan.FromSeconds(60));
        var (status, answer) = await server.Http.PostAsync(Completions, Short);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(TextOf(answer), Is.EqualTo(TextOf(expected)));
    }

    /// <summary>Reads a stream to its end, however it ends.</summary>
    private static async Task<(string Text, TimeSpan After)> ReadAsync(
        HttpClient http,
        CountdownEvent begun,
        Task<long> killed
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = HttpAnswers.Json(Long) };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var first = await reader.ReadLineAsync();
        begun.Signal();
        var text = first + await reader.ReadToEndAsync();
        return (text, Stopwatch.GetElapsedTime(await killed));
    }

    private static Task WaitForReadyAsync(HttpClient http, TimeSpan patience) =>
        WaitForAsync(http, HttpStatusCode.OK, patience);

    /// <summary>Waits until the server says it is ready, or that it is not.</summary>
    private static async Task WaitForAsync(HttpClient http, HttpStatusCode expected, TimeSpan patience)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var (status, body) = await http.ReadAsync("/health/ready");
            if (status == expected)
            {
                return;
            }

            Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(patience), body.ToString());
            await Task.Delay(100);
        }
    }

    private static string? TextOf(JsonElement answer) =>
        answer.GetProperty("choices")[0].GetProperty("text").GetString();
}
