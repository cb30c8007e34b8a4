using System.Net;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api;

/// <summary>The server as an operator runs it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ServeCommandTests
{
    private const string Short = """{"prompt":"USER: hi ASSISTANT:","max_tokens":3}""";

    [Test]
    public async Task It_serves_until_told_to_stop_lets_requests_finish_and_goes_with_exit_code_0()
    {
        await using var server = await ServerProcess.StartAsync(
            "--served-model-name",
            "sums",
            "--default-max-tokens",
            "9",
            "--drain-seconds",
            "60"
        );
        var (status, body) = await server.Http.PostAsync(
            "/v1/chat/completions",
            $"{{\"model\":\"sums\",\"messages\":{HttpAnswers.Question}}}"
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToString());
        Assert.That(body.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), Is.EqualTo(9));

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = HttpAnswers.Json(
                """{"prompt":"USER: hi ASSISTANT:","max_tokens":300,"ignore_eos":true,"stream":true}"""
            ),
        };
        using var running = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var (exitCode, error) = await server.StopAsync();

        var rest = await running.Content.ReadAsStringAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(rest, Does.EndWith("data: [DONE]\n\n"), "the running request was not finished");
            Assert.That(exitCode, Is.Zero);
            Assert.That(Complaints(error), Is.Empty);
        }
    }

    [Test]
    public async Task Listening_to_other_machines_without_a_key_is_warned_of_and_with_one_is_not()
    {
        await using (var open = await ServerProcess.StartAsync("--host", "0.0.0.0"))
        {
            var (_, error) = await open.StopAsync();
            Assert.That(Complaints(error).Single(), Does.StartWith("ppsd: warning: --host 0.0.0.0"));
        }

        await using var closed = await ServerProcess.StartAsync("--host", "0.0.0.0", "--api-key", "sesame");
        HttpAnswers.AssertError(await closed.Http.PostAsync("/v1/completions", Short), 401);
        Assert.That(Complaints((await closed.StopAsync()).Error), Is.Empty);
    }

    [Test]
    public async Task A_port_that_is_taken_is_one_clear_line()
    {
        var port = $"{SharedServer.Address.Port}";
        var result = await Cli.RunAsync(["serve", "--port", port]);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(
            Complaints(result.Error).Single(),
            Does.StartWith($"ppsd: --host, --port: 127.0.0.1:{port} cannot be bound")
        );
    }

    /// <summary>Standard error but for the progress of loading, which a slow machine prints.</summary>
    private static string[] Complaints(string error) =>
        [
            .. error
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(line => !line.StartsWith("stage ", StringComparison.Ordinal)),
        ];
}
