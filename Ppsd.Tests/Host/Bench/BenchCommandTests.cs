using System.Text.Json;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Bench;

/// <summary>The benchmarks run and say what they must; how fast is for a quiet machine to tell.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class BenchCommandTests
{
    [Test]
    public async Task Bench_decode_prints_both_modes_side_by_side()
    {
        var result = await Cli.RunAsync(["bench", "decode", "--repetitions", "1", "--max-tokens", "8"]);

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
        var result = await Cli.RunAsync(["bench", "decode", "--repetitions", "1", "--max-tokens", "8", "--json"]);

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
    public async Task Bench_cancel_prints_the_time_to_effect_with_a_full_queue()
    {
        var result = await Cli.RunAsync(["bench", "cancel", "--trials", "5"]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("64 micro-batches queued").And.Contain("cancel to effect"));
    }
}
