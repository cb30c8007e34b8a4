using System.Text.Json;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Bench;

/// <summary>The benchmarks run and say what they must; how fast is for a quiet machine to tell.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class BenchCommandTests
{
    private static readonly string[] _toy =
    [
        "bench",
        "decode",
        "--synthetic",
        "toy",
        "--prompt-count",
        "1",
        "--prompt-tokens",
        "8",
        "--max-tokens",
        "16",
        "--repetitions",
        "1",
        "--stages",
        "4",
    ];

    [Test]
    public async Task Bench_decode_prints_both_modes_side_by_side()
    {
        var result = await Cli.RunAsync([
            "bench",
            "decode",
            "--stages",
            "4",
            "--repetitions",
            "1",
            "--max-width",
            "1",
            "--max-tokens",
            "8",
        ]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("autoregressive").And.Contain("ppsd").And.Contain("speed-up"));
            Assert.That(result.Output, Does.Contain("alpha").And.Contain("eq. 7").And.Contain("slowest cycle"));
            Assert.That(result.Output, Does.Contain("stage 4 busy").And.Contain("free cores"));
            Assert.That(result.Output, Does.Contain("GB/s").And.Contain("identical in both modes"));
        }
    }

    [Test]
    public async Task Bench_decode_as_json_is_one_object_with_its_baseline_and_bounds()
    {
        var result = await Cli.RunAsync([
            "bench",
            "decode",
            "--stages",
            "4",
            "--repetitions",
            "1",
            "--max-width",
            "1",
            "--max-tokens",
            "8",
            "--json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        var root = json.RootElement;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(root.GetProperty("text_identical").GetBoolean(), Is.True);
            Assert.That(root.GetProperty("stage_ms").GetArrayLength(), Is.EqualTo(4));
            Assert.That(root.GetProperty("alpha").GetDouble(), Is.InRange(0, 1));
            Assert.That(root.GetProperty("bound_equation_7").GetDouble(), Is.InRange(1, 4));
            Assert.That(root.GetProperty("autoregressive").GetProperty("tokens_per_second").GetDouble(), Is.Positive);
            Assert.That(root.GetProperty("ppsd").GetProperty("busy_share").GetArrayLength(), Is.EqualTo(4));
        }
    }

    [Test]
    public async Task Bench_decode_in_processes_compares_with_one_device_alone_and_under_load()
    {
        var result = await Cli.RunAsync([
            .. _toy[..^2],
            "--processes",
            "2",
            "--threads",
            "1",
            "--stage-layers",
            "3,5",
            "--synthetic-scale",
            "0.1",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        var root = json.RootElement;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(root.GetProperty("text_identical").GetBoolean(), Is.True);
            Assert.That(root.GetProperty("one_device").GetProperty("tokens_per_second").GetDouble(), Is.Positive);
            Assert.That(
                root.GetProperty("one_device_loaded").GetProperty("busy_share").GetArrayLength(),
                Is.EqualTo(1)
            );
            Assert.That(root.GetProperty("speed_up_over_one_device_loaded").GetDouble(), Is.Positive);
            Assert.That(root.GetProperty("share_of_bound").GetDouble(), Is.InRange(0.001, 1.5));
            Assert.That(root.GetProperty("stage_ms_together").GetArrayLength(), Is.EqualTo(2));
            Assert.That(root.GetProperty("load_ms").GetArrayLength(), Is.EqualTo(2));
            Assert.That(root.GetProperty("protocol_bytes_per_token").GetDouble(), Is.Positive);
            Assert.That(root.GetProperty("setting").GetString(), Does.Contain("2 processes on loopback"));
        }
    }

    /// <summary>One token has no rate, no cycle and no draft.</summary>
    [TestCase("decode", "--repetitions", "1")]
    [TestCase("sessions", "--repetitions", "1", "--concurrency", "1")]
    public async Task What_cannot_be_computed_is_absent(params string[] bench)
    {
        var result = await Cli.RunAsync([
            "bench",
            .. bench,
            "--max-tokens",
            "1",
            "--prompt-count",
            "1",
            "--synthetic",
            "toy",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Not.Contain("NaN").And.Not.Contain("\u221e"));
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        Assert.That(result.OutputLines[^1], Does.Contain("\"alpha\":null"));
    }

    [TestCase("md", "| tokens/s, median ± sd of rounds |")]
    [TestCase("csv", "\"tokens/s, median ± sd of rounds\",")]
    public async Task Bench_decode_prints_tables_for_documents_and_a_JSON_object_behind_them(
        string form,
        string expected
    )
    {
        var result = await Cli.RunAsync([.. _toy, "-o", form]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain(expected));
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        Assert.That(json.RootElement.GetProperty("stages").GetInt32(), Is.EqualTo(4));
    }

    [Test]
    public async Task Bench_link_measures_real_messages_between_two_processes_and_draws_them()
    {
        using var folder = new TemporaryFolder();
        var picture = folder.File("link.png");
        var result = await Cli.RunAsync([
            "bench",
            "link",
            "--payloads",
            "4096,65536",
            "--messages",
            "20",
            "--plot",
            picture,
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        var payloads = json.RootElement.GetProperty("payloads").EnumerateArray().ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(payloads, Has.Count.EqualTo(2));
            Assert.That(payloads[0].GetProperty("hop_ms").GetDouble(), Is.Positive);
            Assert.That(payloads[1].GetProperty("bytes_per_second").GetDouble(), Is.Positive);
            Assert.That(File.ReadAllBytes(picture).AsSpan(1, 3).SequenceEqual("PNG"u8), Is.True);
        }
    }

    [Test]
    public async Task Bench_profile_times_both_sides_of_a_cut_by_depth_and_length()
    {
        var result = await Cli.RunAsync([
            "bench",
            "profile",
            "--synthetic",
            "toy",
            "--depths",
            "2,4",
            "--lengths",
            "16",
            "-o",
            "json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        var timings = json.RootElement.GetProperty("timings").EnumerateArray().ToList();
        Assert.That(timings.Select(timing => timing.GetProperty("exit_layer").GetInt32()), Is.EqualTo(new[] { 2, 4 }));
        foreach (var name in (string[])["first_ms", "exit_head_ms", "rest_ms", "target_head_ms", "transfer_ms"])
        {
            Assert.That(timings.All(timing => timing.GetProperty(name).GetDouble() > 0), Is.True, name);
        }
    }

    [Test]
    public async Task Bench_sessions_prints_one_against_many_and_compares_their_texts()
    {
        var result = await Cli.RunAsync([
            "bench",
            "sessions",
            "--repetitions",
            "1",
            "--max-tokens",
            "4",
            "--concurrency",
            "1,5",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("tokens/s").And.Contain("rows").And.Contain("CPU ms"));
        Assert.That(result.Output, Does.Contain("identical at every concurrency"));
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        var levels = json.RootElement.GetProperty("levels").EnumerateArray();
        Assert.That(levels.Select(level => level.GetProperty("sessions").GetInt32()), Is.EqualTo(new[] { 1, 5 }));
    }

    [Test]
    public async Task Bench_cancel_prints_the_time_to_effect_with_a_full_queue()
    {
        var result = await Cli.RunAsync(["bench", "cancel", "--trials", "5", "-o", "md"]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("64 micro-batches queued").And.Contain("| cancel to effect |"));
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        Assert.That(json.RootElement.GetProperty("effect_ms").GetDouble(), Is.Positive);
    }
}
