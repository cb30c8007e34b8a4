using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Memory;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>What training is said to take is what devices count, and it stays that.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class MemoryTests
{
    /// <summary>
    /// Of what is said, this much may not be allocated: scratch is said for a pass that is full and for a thread that attends in
    /// the longest sequence.
    /// </summary>
    private const double Margin = 0.03;

    private static readonly HeadSpec[] _all =
    [
        new(TrainedHeadKind.Norm, 1),
        new(TrainedHeadKind.Mlp, 1),
        new(TrainedHeadKind.Transformer, 2, LayerCount: 2),
        new(TrainedHeadKind.Chain, 2, Depth: 4),
    ];

    private static IEnumerable<TestCaseData> Runs() =>
        [
            .. _all.Select(head => Run(TestModels.Tiny, head)),
            .. ((string[])[TestModels.Qwen3, TestModels.Bias, MadeModels.Phi4]).Select(model => Run(model, _all)),
        ];

    private static TestCaseData Run(string model, params HeadSpec[] heads) =>
        new TestCaseData(model, heads).SetArgDisplayNames(model, string.Join(" ", heads.Select(head => head.Name)));

    [TestCaseSource(nameof(Runs))]
    public void A_device_allocates_what_was_said_and_no_more_with_time(string model, HeadSpec[] heads)
    {
        var config = ModelConfig.Read(TestModels.Folder(model));
        var settings = new TrainerSettings { SequenceLength = 48, BatchTokens = 96 };
        using var device = new CpuTrainingDevice(1, passTokens: 96);
        using var source = new CheckpointWeightSource(TestModels.Folder(model));
        using (var trainer = new HeadTrainer(device, source, config, heads, settings))
        {
            Learn(trainer, 3);
            var taken = device.AllocatedBytes;
            AssertSaid(Said([device.Sizes], config, [config.LayerCount], heads, settings)[0], taken);
            Learn(trainer, 12);
            Assert.That(device.AllocatedBytes, Is.EqualTo(taken), "after twelve steps");
        }

        device.Dispose();
        Assert.That(device.AllocatedBytes, Is.Zero, "at the end");
    }

    [Test]
    public void So_does_each_of_several()
    {
        int[] cut = [2, 2, 2];
        var config = ModelConfig.Read(TestModels.Folder(TestModels.Tiny));
        var settings = new TrainerSettings
        {
            SequenceLength = 48,
            BatchTokens = 288,
            TeacherTokens = 64,
        };
        CpuTrainingDevice[] devices = [.. cut.Select(_ => new CpuTrainingDevice(1, passTokens: 96))];
        using var source = new CheckpointWeightSource(TestModels.Folder(TestModels.Tiny));
        var places = cut.Select((count, i) => new TrainingPlace(devices[i], 2 * i, count)).ToArray();
        using (var trainer = new HeadTrainer(places, source, config, _all, settings))
        {
            Learn(trainer, 3);
            long[] taken = [.. devices.Select(device => device.AllocatedBytes)];
            var said = Said([.. devices.Select(device => device.Sizes)], config, cut, _all, settings);
            for (var i = 0; i < cut.Length; i++)
            {
                AssertSaid(said[i], taken[i]);
            }

            Learn(trainer, 12);
            Assert.That(devices.Select(device => device.AllocatedBytes), Is.EqualTo(taken).AsCollection);
        }

        Array.ForEach(devices, device => device.Dispose());
    }

    [Test]
    [OnSimulator]
    public void So_does_a_card()
    {
        using var test = TrainingDeviceUnderTest.Open(TrainingDeviceUnderTest.Simulator);
        using var toy = new ToyTeacher(ToyTeacher.WithAdditions);
        HeadSpec[] heads = [new(TrainedHeadKind.Chain, 1, Depth: 3), new(TrainedHeadKind.Mlp, 2)];
        var settings = new TrainerSettings { SequenceLength = 8, BatchTokens = 16 };
        var before = test.Device.AllocatedBytes;
        using var trainer = new HeadTrainer(test.Device, toy, toy.Config, heads, settings);

        // Room is taken for the longest text that may come, so short ones do, and the simulator is slow.
        TrainingSequence[] texts = [TrainingSequence.Of([3], [1, 4]), TrainingSequence.Of([2], [7])];
        trainer.Learn(texts, 0.01);
        var taken = test.Device.AllocatedBytes;
        var said = Said([test.Device.Sizes], toy.Config, [3], heads, settings)[0];

        // All tests share the simulator, whose scratch is as large as the largest of them wanted it.
        Assert.That(taken - before, Is.LessThanOrEqualTo(said.Total));
        Assert.That(taken - before, Is.GreaterThanOrEqualTo(said.Model + said.Heads + said.Activations + said.Logits));
        trainer.Learn(texts, 0.01);
        Assert.That(test.Device.AllocatedBytes, Is.EqualTo(taken));
    }

    [Test]
    public void A_figure_of_linux_is_read_and_its_lack_is_none()
    {
        string[] lines = ["MemTotal:       24608576 kB", "MemFree:        11 kB", "MemAvailable:    1024 kB"];
        Assert.That(HostMemory.Available(lines), Is.EqualTo(1 << 20));
        Assert.That(HostMemory.Available(lines[..2]), Is.Null);
        Assert.That(HostMemory.Read().FreeBytes, Is.Positive.And.LessThan(HostMemory.Read().TotalBytes));
    }

    private static void AssertSaid(TrainingFootprint said, long taken)
    {
        Assert.That(taken, Is.LessThanOrEqualTo(said.Total), "said too little");
        Assert.That(taken, Is.GreaterThanOrEqualTo((1 - Margin) * (said.Total - Spare(said))), "said too much");
    }

    /// <summary>Loading that would take more than all that comes after it.</summary>
    private static long Spare(TrainingFootprint said) =>
        said.Total - (said.Model + said.Heads + said.Activations + said.Logits + said.Work);

    private static TrainingFootprint[] Said(
        TrainingSizes[] sizes,
        ModelConfig config,
        int[] cut,
        HeadSpec[] heads,
        TrainerSettings settings
    )
    {
        var pass = PassShape.Of(config, heads, settings, sizes);
        return
        [
            .. cut.Select(
                (count, i) =>
                {
                    var first = cut[..i].Sum();
                    return StageMemory.Of(
                        sizes[i],
                        config,
                        first,
                        count,
                        [.. heads.Where(head => head.ExitLayer > first && head.ExitLayer <= first + count)],
                        settings,
                        pass,
                        StagePipeline.Slots(i, cut.Length)
                    );
                }
            ),
        ];
    }

    /// <summary>Steps whose passes are full.</summary>
    private static void Learn(HeadTrainer trainer, int untilStep)
    {
        var texts = Enumerable
            .Range(0, 4)
            .Select(i => TrainingSequence.Of([i], [.. Enumerable.Range(0, 47).Select(j => (7 * i) + j)]))
            .ToArray();
        while (trainer.Step < untilStep)
        {
            trainer.Learn(texts, 1e-3);
        }
    }
}
