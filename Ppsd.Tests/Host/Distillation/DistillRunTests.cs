using System.Text.Json;
using Ppsd.Actors.Planning;
using Ppsd.Host.Distillation;
using Ppsd.Host.Models;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>A run in this process: interrupted where it is measured, with a full disk, and without anything to measure.</summary>
[NonParallelizable] // It sets Console.Error.
public sealed class DistillRunTests
{
    private static readonly ModelAssets _assets = ModelAssets.Open(
        TestModels.Folder(TestModels.Tiny),
        null,
        TimeProvider.System
    );

    private StringWriter _said = null!;
    private TemporaryFolder _folder = null!;
    private TextWriter _error = null!;
    private DistillSettings _settings = null!;

    [SetUp]
    public void Prepare()
    {
        _error = Console.Error;
        _said = new StringWriter();
        Console.SetError(_said);
        _folder = new TemporaryFolder();
        var lines = Enumerable
            .Range(0, 8)
            .Select(i => JsonSerializer.Serialize(new { prompt = $"Number {i}", completion = $" is {i * 7}." }));
        _settings = new DistillSettings
        {
            Heads = [new HeadSpec(TrainedHeadKind.Norm, 2)],
            OutputFolder = _folder.File("out"),
            DataPath = _folder.Write("data.jsonl", string.Join('\n', lines)),
            HeldOut = 2,
            Steps = 3,
            BatchTokens = 64,
            SequenceLength = 48,
            LearningRate = 1e-3,
            SaveEvery = 500,
            Devices = ["cpu"],
            Threads = 1,
            Stages = StagePlan.Even(6, 1),
            Command = "ppsd distill",
        };
    }

    [TearDown]
    public void Remove()
    {
        Console.SetError(_error);
        _folder.Dispose();
        _said.Dispose();
    }

    [TestCase(0, 1, 1)]
    [TestCase(1, 3, 1)]
    public void An_interruption_while_heads_are_measured_saves_the_step_and_says_how_to_go_on(
        int evaluateEvery,
        int steps,
        int saved
    )
    {
        _settings = _settings with { EvaluateEvery = evaluateEvery, Steps = steps };
        var log = Path.Combine(_settings.OutputFolder, "training.jsonl");
        using var interruption = new CancellationTokenSource();

        // As the first step is over: its figures are the next thing.
        var clock = new InterruptingClock(interruption, () => File.Exists(log), calls: 3);
        Assert.That(
            () => new DistillRun(_assets, _settings, clock).Run(interruption.Token),
            Throws.InstanceOf<OperationCanceledException>()
        );
        Assert.That(
            _said.ToString(),
            Does.Contain($"saved step {saved} of {steps} in {_settings.OutputFolder}; --resume continues from there")
        );
        Assert.That(File.ReadAllLines(log), Has.Length.EqualTo(saved));

        Run(_settings with { Resumes = true });
        Assert.That(File.ReadAllLines(log), Has.Length.EqualTo(steps));
        var whole = _settings with { OutputFolder = _folder.File("whole") };
        Run(whole);
        Assert.That(
            File.ReadAllBytes(Path.Combine(_settings.OutputFolder, "model.safetensors")),
            Is.EqualTo(File.ReadAllBytes(Path.Combine(whole.OutputFolder, "model.safetensors"))).AsCollection
        );
    }

    [Test]
    public void Where_no_prompt_leaves_room_for_an_answer_heads_are_not_measured_and_that_is_said()
    {
        var shortest = Enumerable.Range(0, 8).Min(i => _assets.Tokenizer.Encode($"Number {i}").Length);
        var figures = Run(_settings with { SequenceLength = shortest + 4 });

        Assert.That(figures, Is.Empty);
        Assert.That(
            _said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)[0],
            Is.EqualTo(
                $"no figures: no prompt to measure heads on can be answered within --sequence-length {shortest + 4} (the shortest has {shortest} tokens, and its answer takes at least 8)"
            )
        );
        Assert.That(
            () =>
                Run(
                    _settings with
                    {
                        SequenceLength = shortest + 4,
                        SelfWritten = 2,
                        OutputFolder = _folder.File("b"),
                    }
                ),
            Throws
                .InstanceOf<Ppsd.Host.UserErrorException>()
                .With.Message.StartsWith("--self-written: expected prompts")
        );
    }

    [TestCase("training-state.safetensors", ".partial", "/dev/full", "No space left on device")]
    [TestCase("training.jsonl", "", "/proc/version", "")]
    [Platform("Linux")]
    public void A_file_that_cannot_be_written_is_named_in_one_line(string file, string partial, string to, string why)
    {
        var path = Path.Combine(_settings.OutputFolder, file);
        var settings = _settings with { Resumes = true };
        Directory.CreateDirectory(_settings.OutputFolder);
        RunRecord.Write(Path.Combine(_settings.OutputFolder, "training-run.json"), Record(settings));
        File.CreateSymbolicLink(path + partial, to);

        Assert.That(
            () => Run(settings),
            Throws
                .InstanceOf<IOException>()
                .With.Message.StartsWith($"--out: {path} cannot be written: {why}")
                .And.Message.Not.Contains("\n")
        );
        Assert.That(Directory.GetFiles(_settings.OutputFolder, "*.partial"), Is.Empty);
    }

    [Test]
    [Platform("Linux")]
    public void A_picture_that_cannot_be_written_is_named_and_the_figures_are_there()
    {
        var picture = Path.Combine(_settings.OutputFolder, "training.png");
        Directory.CreateDirectory(_settings.OutputFolder);
        File.WriteAllText(Path.Combine(_settings.OutputFolder, "training-run.json"), "{}");
        File.CreateSymbolicLink(picture + ".partial", "/dev/full");
        var run = new DistillRun(_assets, _settings, TimeProvider.System);

        Assert.That(run.Run(CancellationToken.None), Has.Count.EqualTo(1));
        Assert.That(run.LacksPicture, Is.True);
        Assert.That(Directory.GetFiles(_settings.OutputFolder, "training.png*"), Is.Empty);
        Assert.That(_said.ToString(), Does.Contain($"\n{picture} cannot be written: ").And.Not.Contain("--plot"));
    }

    private static IReadOnlyList<HeadFigures> Run(DistillSettings settings) =>
        new DistillRun(_assets, settings, TimeProvider.System).Run(CancellationToken.None);

    private static Dictionary<string, string> Record(DistillSettings settings)
    {
        var record = RunRecord.Of(settings, _assets, settings.Steps ?? -1, settings.SequenceLength);
        record["--tokens"] = FormattableString.Invariant($"{settings.Tokens}");
        return record;
    }

    /// <summary>A clock that interrupts a run the n-th time it is read after something has happened.</summary>
    private sealed class InterruptingClock(CancellationTokenSource interruption, Func<bool> hasHappened, int calls)
        : TimeProvider
    {
        private int _calls;

        public override long GetTimestamp()
        {
            if (hasHappened() && ++_calls == calls)
            {
                interruption.Cancel();
            }

            return base.GetTimestamp();
        }
    }
}
