using System.Text.Json;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>The command as users run it.</summary>
public sealed class DistillCommandTests
{
    private const int Lines = 24;

    private static string Model => TestModels.Folder(TestModels.Tiny);

    [Test]
    public async Task Several_heads_of_one_pass_get_a_folder_each_that_generate_takes()
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("heads");
        var run = await DistillAsync(
            folder,
            output,
            "--exit-layer",
            "2,3",
            "--head",
            "norm,transformer",
            "--steps",
            "3",
            "--self-written",
            "6",
            "--eval-every",
            "2"
        );
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(File.ReadLines(Path.Combine(output, "self-written.jsonl")).Count(), Is.EqualTo(6));
        foreach (var name in (string[])["exit2-norm", "exit2-transformer", "exit3-norm", "exit3-transformer"])
        {
            var head = Path.Combine(output, name);
            Assert.That(ExitHeadConfig.Read(head).ExitLayer, Is.EqualTo(name[4] - '0'));
            Assert.That(File.ReadAllText(Path.Combine(head, "README.md")), Does.Contain("--exit-layer 2,3"));
            Assert.That(new FileInfo(Path.Combine(head, "training.png")).Length, Is.GreaterThan(1000));
            var log = File.ReadLines(Path.Combine(head, "training.jsonl")).ToArray();
            Assert.That(log, Has.Length.EqualTo(3));
            Assert.That(JsonDocument.Parse(log[1]).RootElement.TryGetProperty("evaluated_greedy", out _));
            Assert.That(run.Output, Does.Contain(head));
        }

        string[] generate = ["generate", "--model", Model, "--device", "cpu", "--max-tokens", "8", "Number 3"];
        var plain = await Cli.RunAsync([.. generate, "--decode", "autoregressive"]);
        var drafted = await Cli.RunAsync([.. generate, "--exit-head", Path.Combine(output, "exit2-transformer")]);
        Assert.That(drafted.ExitCode, Is.Zero, drafted.Error);
        Assert.That(drafted.Output, Is.EqualTo(plain.Output));
    }

    [Test]
    public async Task A_head_that_drafts_the_most_frequent_tokens_says_which_and_generate_takes_it()
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("head");
        string[] options = ["--exit-layer", "2", "--head", "chain", "--steps", "2", "--draft-vocabulary"];
        var run = await DistillAsync(folder, output, [.. options, "40"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        var drafted = ExitHeadConfig.Read(output).Vocabulary!;
        Assert.That(drafted.Count, Is.EqualTo(40));
        Assert.That(drafted.Tokens.ToArray(), Does.Contain(2), "the token that ends a text");
        Assert.That(run.Error, Does.Match(@"draft vocabulary: 40 of 4,096 tokens, \d+\.\d % of the answers"));
        Assert.That(File.ReadAllText(Path.Combine(output, "README.md")), Does.Contain("- drafts: 40 of 4,096 tokens"));

        string[] generate = ["generate", "--model", Model, "--device", "cpu", "--max-tokens", "8", "Number 3"];
        var plain = await Cli.RunAsync([.. generate, "--decode", "autoregressive"]);
        var shown = await Cli.RunAsync([.. generate, "--exit-head", output]);
        Assert.That(shown.ExitCode, Is.Zero, shown.Error);
        Assert.That(shown.Output, Is.EqualTo(plain.Output));

        var other = await DistillAsync(folder, output, [.. options, "41", "--resume"]);
        Assert.That(other.ExitCode, Is.EqualTo(2));
        Assert.That(other.Error, Does.Contain("--draft-vocabulary: expected 40 as the run to resume has, found 41"));
    }

    [Test]
    public async Task A_run_that_is_interrupted_and_resumed_saves_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        string[] options = ["--exit-layer", "2", "--steps", "12", "--seed", "3"];
        var whole = folder.File("whole");
        var uninterrupted = await DistillAsync(folder, whole, options);
        Assert.That(uninterrupted.ExitCode, Is.Zero, uninterrupted.Error);

        var parts = folder.File("parts");
        using (var process = Cli.Start(Arguments(folder, parts, options)))
        {
            // The log has a line for each step; after the second the run is told to stop.
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            var log = Path.Combine(parts, "training.jsonl");
            while (!process.HasExited && (!File.Exists(log) || LinesOf(log) < 2))
            {
                await Task.Delay(20);
            }

            Signals.Send(process.Id, Signals.Interrupt);
            await process.WaitForExitAsync();
            Assert.That(await output, Is.Empty);
            Assert.That(process.ExitCode, Is.EqualTo(130), await error);
            Assert.That(await error, Does.Contain("--resume continues from there"));
        }

        var other = await DistillAsync(
            folder,
            parts,
            ["--exit-layer", "2", "--steps", "13", "--seed", "3", "--resume"]
        );
        Assert.That(other.ExitCode, Is.EqualTo(2));
        Assert.That(other.Error, Does.Contain("--steps: expected 12 as the run to resume has, found 13"));

        var resumed = await DistillAsync(folder, parts, [.. options, "--resume"]);
        Assert.That(resumed.ExitCode, Is.Zero, resumed.Error);
        foreach (var file in (string[])["model.safetensors", "training-state.safetensors"])
        {
            Assert.That(
                await File.ReadAllBytesAsync(Path.Combine(parts, file)),
                Is.EqualTo(await File.ReadAllBytesAsync(Path.Combine(whole, file))).AsCollection,
                file
            );
        }

        Assert.That(LinesOf(Path.Combine(parts, "training.jsonl")), Is.EqualTo(12));
    }

    [Test]
    public async Task A_head_stands_after_a_quarter_of_the_layers_and_its_time_is_told_where_nothing_else_is_said()
    {
        using var folder = new TemporaryFolder();
        var run = await DistillAsync(folder, folder.File("head"), "--steps", "2", "--profile");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(ExitHeadConfig.Read(folder.File("head")).ExitLayer, Is.EqualTo(1));
        foreach (var part in (string[])["teacher, forward", "heads, backward", "optimiser", "a product alone"])
        {
            Assert.That(run.Output, Does.Contain($"  {part} ").Or.Contain($"\n{part} "));
        }
    }

    [Test]
    public async Task A_model_that_this_machine_cannot_hold_is_refused_before_anything_is_loaded()
    {
        Assume.That(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Is.LessThan(256L << 30));
        using var folder = new TemporaryFolder();
        var run = await Cli.RunAsync([
            "distill",
            "--synthetic",
            "llama2-70b",
            "--device",
            "cpu",
            "--out",
            folder.File("out"),
        ]);
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.ErrorLines, Has.Length.EqualTo(1), run.Error);
        Assert.That(run.Error, Does.Contain("--device cpu: training takes ").And.Contain(" are free; "));
    }

    [TestCase("--exit-layer", "7", "--exit-layer: expected 1 to 6 (the model's layers), found 7")]
    [TestCase("--head", "cone", "--head: expected norm or mlp or transformer or chain, found 'cone'")]
    [TestCase("--depth", "3", "--depth: expected a chain head (--head), found none")]
    [TestCase("--sequence-length", "513", "--sequence-length: expected at most 512 (the model's context), found 513")]
    [TestCase("--sequence-length", "3", "expected answer tokens, found none within 3 tokens")]
    [TestCase(
        "--draft-vocabulary",
        "4097",
        "--draft-vocabulary: expected 2 to 4096 (the model's vocabulary), found 4097"
    )]
    [TestCase("--draft-vocabulary", "1", "--draft-vocabulary: expected 2 to 4096 (the model's vocabulary), found 1")]
    [TestCase("--device", "abacus", "--device: expected")]
    [TestCase("--stages", "7", "--stages: expected 1 to 6 (the model's layers), found 7")]
    [TestCase("--stage-layers", "2,2", "--stage-layers: expected positive counts that add up to 6")]
    [TestCase("--resume", null, "--resume: expected a run to go on with, found no")]
    public async Task What_cannot_be_done_is_refused_in_one_line(string option, string? value, string expected)
    {
        using var folder = new TemporaryFolder();
        string[] given = value is null ? [option] : [option, value];
        var run = await DistillAsync(folder, folder.File("out"), ["--steps", "1", .. given]);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.ErrorLines, Has.Length.EqualTo(1), run.Error);
        Assert.That(run.Error, Does.Contain(expected));
    }

    [TestCase(TestModels.Qwen2)]
    [TestCase(TestModels.Qwen3)]
    [TestCase(TestModels.Mistral)]
    [TestCase(TestModels.Bias)]
    [TestCase(MadeModels.Phi3)]
    [TestCase(MadeModels.Phi4)]
    [TestCase(MadeModels.Granite)]
    [TestCase(MadeModels.SmolLm3)]
    public async Task A_model_of_any_family_gets_heads_that_generate_takes(string model)
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("heads");
        var trained = await DistillAsync(
            folder,
            output,
            "--model",
            TestModels.Folder(model),
            "--exit-layer",
            "2",
            "--head",
            "norm,mlp,transformer,chain",
            "--steps",
            "2"
        );
        Assert.That(trained.ExitCode, Is.Zero, trained.Error);
        string[] generate =
        [
            "generate",
            "--model",
            TestModels.Folder(model),
            "--device",
            "cpu",
            "--max-tokens",
            "12",
            "Number 3",
        ];
        var plain = await Cli.RunAsync([.. generate, "--decode", "autoregressive"]);
        Assert.That(plain.ExitCode, Is.Zero, plain.Error);
        foreach (var head in (string[])["exit2-norm", "exit2-mlp", "exit2-transformer", "exit2-chain"])
        {
            var drafted = await Cli.RunAsync([.. generate, "--exit-head", Path.Combine(output, head)]);
            Assert.That(drafted.ExitCode, Is.Zero, drafted.Error);
            Assert.That(drafted.Output, Is.EqualTo(plain.Output), head);
        }
    }

    [Test]
    public async Task A_model_cut_into_stages_gets_the_bytes_of_one_that_is_not()
    {
        using var folder = new TemporaryFolder();
        string[] options = ["--exit-layer", "2,5", "--steps", "3", "--batch-tokens", "256", "--self-written", "4"];
        var alone = await DistillAsync(folder, folder.File("alone"), [.. options, "--teacher-top-k", "128"]);
        Assert.That(alone.ExitCode, Is.Zero, alone.Error);
        var devices = await DistillAsync(folder, folder.File("devices"), [.. options, "--device", "cpu,cpu"]);
        Assert.That(devices.ExitCode, Is.Zero, devices.Error);
        var layers = await DistillAsync(folder, folder.File("layers"), [.. options, "--stage-layers", "1,4,1"]);
        Assert.That(layers.ExitCode, Is.Zero, layers.Error);
        foreach (
            var file in (string[])
                ["exit2-transformer/model.safetensors", "exit5-transformer/model.safetensors", "self-written.jsonl"]
        )
        {
            var expected = await File.ReadAllBytesAsync(Path.Combine(folder.File("alone"), file));
            foreach (var other in (string[])["devices", "layers"])
            {
                var found = await File.ReadAllBytesAsync(Path.Combine(folder.File(other), file));
                Assert.That(found, Is.EqualTo(expected).AsCollection, $"{other}/{file}");
            }
        }
    }

    [Test]
    public async Task A_loss_that_leaves_the_numbers_stops_the_run()
    {
        using var folder = new TemporaryFolder();
        var run = await DistillAsync(
            folder,
            folder.File("out"),
            "--exit-layer",
            "2",
            "--steps",
            "40",
            "--learning-rate",
            "10",
            "--warmup",
            "0",
            "--save-every",
            "1",
            "--weight-decay",
            "10"
        );
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.ErrorLines[^1], Does.Match("the loss of exit2-transformer is .* training stopped"));
        using var saved = Checkpoint.Open(folder.File("out"));
        var norm = new float[64];
        saved.Require("norm.weight").ReadRows(0, 1, norm);
        Assert.That(norm, Has.All.Matches<float>(float.IsFinite));
    }

    private static Task<CliResult> DistillAsync(TemporaryFolder folder, string output, params string[] options) =>
        Cli.RunAsync(Arguments(folder, output, options));

    private static string[] Arguments(TemporaryFolder folder, string output, string[] options)
    {
        var data = folder.File("data.jsonl");
        if (!File.Exists(data))
        {
            folder.Write(
                "data.jsonl",
                string.Join(
                    '\n',
                    Enumerable
                        .Range(0, Lines)
                        .Select(i => $$"""{"question": "Number {{i}}?", "answer": "It is {{i * 7}} and {{i * i}}."}""")
                )
            );
        }

        string[] defaults =
        [
            "distill",
            "--model",
            Model,
            "--data",
            data,
            "--out",
            output,
            "--device",
            "cpu",
            "--threads",
            "1",
            "--batch-tokens",
            "128",
            "--sequence-length",
            "64",
            "--held-out",
            "2",
        ];

        // An option of the test's own takes the default's place.
        return
        [
            defaults[0],
            .. defaults.Skip(1).Chunk(2).Where(pair => !options.Contains(pair[0])).SelectMany(pair => pair),
            .. options,
        ];
    }

    private static int LinesOf(string path) => File.ReadAllText(path).Count(letter => letter == '\n');
}
