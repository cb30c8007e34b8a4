using System.Text.Json;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Api;

/// <summary>The serving benchmark runs, fails clearly and says what it must; how fast is for a quiet machine to tell.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class BenchServeTests
{
    [Test]
    public async Task It_prints_the_block_that_vllm_prints_and_what_the_api_adds()
    {
        var result = await Cli.RunAsync([
            "bench",
            "serve",
            "--requests",
            "6",
            "--concurrency",
            "3",
            "--max-tokens",
            "6",
            "--overhead-pairs",
            "2",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        foreach (
            var line in (string[])
                [
                    "============ Serving Benchmark Result ============",
                    "Successful requests:                     6",
                    "Failed requests:                         0",
                    "Benchmark duration (s):                  ",
                    "Total input tokens:                      ",
                    "Total generated tokens:                  36",
                    "Request throughput (req/s):              ",
                    "Output token throughput (tok/s):         ",
                    "Total Token throughput (tok/s):          ",
                    "---------------Time to First Token----------------",
                    "Mean TTFT (ms):                          ",
                    "Median TTFT (ms):                        ",
                    "P99 TTFT (ms):                           ",
                    "-----Time per Output Token (excl. 1st token)------",
                    "Median TPOT (ms):                        ",
                    "---------------Inter-token Latency----------------",
                    "P99 ITL (ms):                            ",
                    "Speed-up of 3 at a time:                 ",
                    "Added to TTFT (ms):                      ",
                    "Added per token (ms):                    ",
                ]
        )
        {
            Assert.That(result.OutputLines, Has.Some.StartsWith(line));
        }
    }

    [Test]
    [NonParallelizable] // Beside texts of other tests nothing would be drafted.
    public async Task It_measures_another_server_with_prompts_of_a_file_as_json()
    {
        var prompts = Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "gsm8k-test.jsonl");
        var result = await Cli.RunAsync([
            "bench",
            "serve",
            "--base-url",
            new Uri(SharedServer.Address, "v1").ToString(),
            "--prompts",
            prompts,
            "--requests",
            "4",
            "--concurrency",
            "1",
            "--request-rate",
            "50",
            "--max-tokens",
            "12",
            "--temperature",
            "0.7",
            "-o",
            "json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(json.RootElement.GetProperty("completed").GetInt32(), Is.EqualTo(4));
            Assert.That(json.RootElement.GetProperty("total_output_tokens").GetInt32(), Is.EqualTo(48));
            Assert.That(json.RootElement.GetProperty("median_ttft_ms").GetDouble(), Is.Positive);
            Assert.That(json.RootElement.GetProperty("alpha").GetDouble(), Is.InRange(0, 1));
        }
    }

    [Test]
    public async Task A_request_that_fails_is_counted_named_and_makes_the_exit_code_1()
    {
        var result = await Cli.RunAsync([
            "bench",
            "serve",
            "--base-url",
            SharedServer.Address.ToString(),
            "--model-name",
            "gpt-4",
            "--requests",
            "2",
        ]);
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.OutputLines, Has.Some.StartsWith("Failed requests:                         2"));
        Assert.That(result.OutputLines, Has.Some.StartsWith("failed: status 404").And.Some.Contain("gpt-4"));
    }

    [TestCase("nowhere", "expected http://HOST:PORT, found 'nowhere'")]
    [TestCase("http://127.0.0.1:1", "does not answer")]
    public async Task An_address_without_a_server_is_one_clear_line(string address, string complaint)
    {
        var result = await Cli.RunAsync(["bench", "serve", "--base-url", address]);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(result.ErrorLines.Single(), Does.StartWith("ppsd: --base-url: ").And.Contain(complaint));
    }
}
