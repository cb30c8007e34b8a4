using System.Text.Json;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

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

    [TestCase("--exit-layer", "7", "--exit-layer: expected 1 to 6 (the model's layers), found 7")]
    [TestCase("--head", "cone", "--head: expected norm or mlp or transformer or chain, found 'cone'")]
    [TestCase("--depth", "3", "--depth: expected a chain head (--head), found none")]
    [TestCase("--sequence-length", "513", "--sequence-length: expected at most 512 (the model's context), found 513")]
    [TestCase("--sequence-length", "3", "expected answer tokens, found none within 3 tokens")]
    [TestCase("--device", "abacus", "--device: expected")]
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

    [TestCase("tiny-qwen2", "biases")]
    [TestCase("tiny-qwen3", "norms of queries and keys")]
    public async Task A_model_whose_layers_cannot_be_trained_is_refused(string model, string found)
    {
        using var folder = new TemporaryFolder();
        var data = folder.Write("data.jsonl", """{"text": "Some words."}""");
        var run = await Cli.RunAsync([
            "distill",
            "--model",
            TestModels.Folder(model),
            "--data",
            data,
            "--out",
            folder.File("out"),
        ]);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.ErrorLines, Has.Length.EqualTo(1), run.Error);
        Assert.That(run.Error, Does.Contain($"found {found}"));
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
            .. defaults.Take(7),
            .. defaults.Skip(7).Chunk(2).Where(pair => !options.Contains(pair[0])).SelectMany(pair => pair),
            .. options,
        ];
    }

    private static int LinesOf(string path) => File.ReadAllText(path).Count(letter => letter == '\n');
}
