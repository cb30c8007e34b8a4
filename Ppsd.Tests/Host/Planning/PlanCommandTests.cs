using System.Text.Json;
using Ppsd.Host.Models;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Planning;

/// <summary>A plan is measured, written, and read by those who decode.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PlanCommandTests
{
    [Test]
    public async Task A_plan_of_a_synthetic_model_is_written_and_decoded_by()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        var result = await Cli.RunAsync([
            "plan",
            "--synthetic",
            "toy",
            "--stages",
            "3",
            "--synthetic-alpha",
            "0.8",
            "--context",
            "16",
            "--measure",
            "--max-tokens",
            "8",
            "--out",
            path,
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines[^1]);
        var plan = PlanFile.Read(path);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.StageLayers.Sum(), Is.EqualTo(8));
            Assert.That(plan.StageLayers, Has.Count.EqualTo(3));
            Assert.That(plan.Synthetic!.ExitLayer, Is.EqualTo(plan.StageLayers[0]));
            Assert.That(plan.Synthetic.Scale, Is.Positive);
            Assert.That(plan.Prediction.PpsdTokensPerSecond, Is.Positive);
            Assert.That(plan.Prediction.MeasuredTokensPerSecond, Is.Positive);
            Assert.That(json.RootElement.GetProperty("measured_ppsd_tokens_per_second").GetDouble(), Is.Positive);
            Assert.That(result.Output, Does.Contain("predicted, ms").And.Contain("measured, ms"));
        }

        var text = await Cli.RunAsync(["generate", "--plan", path, "--max-tokens", "8", "--json", "1 2 3"]);
        Assert.That(text.ExitCode, Is.Zero, text.Error);
        using var generated = JsonDocument.Parse(text.Output);
        Assert.That(generated.RootElement.GetProperty("stats").GetProperty("stages").GetInt32(), Is.EqualTo(3));

        var refused = await Cli.RunAsync(["generate", "--plan", path, "--stages", "2", "1"]);
        Assert.That(refused.ErrorLines.Single(), Does.Contain("--stages: cannot be given with --plan"));
    }

    [Test]
    public async Task A_plan_of_a_model_folder_chooses_among_the_heads_made_for_it_and_fits_only_it()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        var result = await Cli.RunAsync([
            "plan",
            "--stages",
            "4",
            "--alpha",
            "2:0.2,4:0.8,8:0.2",
            "--context",
            "16",
            "--max-tokens",
            "8",
            "--out",
            path,
            "-o",
            "json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        Assert.That(json.RootElement.GetProperty("exit_layer").GetInt32(), Is.EqualTo(4));
        Assert.That(PlanFile.Read(path).StageLayers[0], Is.EqualTo(4));

        var other = await Cli.RunAsync([
            "generate",
            "--plan",
            path,
            "--model",
            TestModels.Folder(TestModels.Tiny),
            "--exit-head",
            TestModels.GsmExitHead,
            "a",
        ]);
        Assert.That(other.ExitCode, Is.EqualTo(2));
    }

    [Test]
    public async Task Without_a_number_of_stages_every_one_that_the_cores_can_carry_is_tried_and_the_fastest_is_taken()
    {
        var result = await Cli.RunAsync([
            "plan",
            "--context",
            "16",
            "--max-tokens",
            "8",
            "--device",
            "cpu",
            "-o",
            "json",
        ]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        var candidates = json.RootElement.GetProperty("candidates").EnumerateArray().ToList();
        var best = candidates.MaxBy(candidate => candidate.GetProperty("measured_tokens_per_second").GetDouble());
        var layers = json.RootElement.GetProperty("stage_layers").EnumerateArray().Select(count => count.GetInt32());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(candidates, Has.Count.EqualTo(Math.Min(4, Environment.ProcessorCount)));
            Assert.That(string.Join(',', layers), Is.EqualTo(best.GetProperty("stage_layers").GetString()));
            Assert.That(candidates[0].GetProperty("stage_layers").GetString(), Is.EqualTo("16"));
            Assert.That(candidates[0].GetProperty("threads").GetInt32(), Is.EqualTo(Environment.ProcessorCount));
        }
    }
}
