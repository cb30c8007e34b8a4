using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>The gradient of the whole loss for every tensor of every kind of head, against finite differences.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class HeadGradientTests
{
    private static readonly TrainingSequence[] _texts =
    [
        TrainingSequence.Of([3, 7, 1], [4, 4, 9, 28, 0]),
        new([5, 6, 7, 8, 2, 1, 3, 3, 9, 4], [false, false, true, true, false, false, true, true, true, true]),
    ];

    private static readonly HeadSpec[] _heads =
    [
        new(TrainedHeadKind.Norm, 2),
        new(TrainedHeadKind.Mlp, 1),
        new(TrainedHeadKind.Transformer, 1),
        // After layer 1 these layers would be the model's own: drafts equal to the target, where the loss has a kink.
        new(TrainedHeadKind.Transformer, 2, LayerCount: 2),
        new(TrainedHeadKind.Chain, 1, Depth: 4),
    ];

    public static IEnumerable<TestCaseData> Heads() =>
        from device in TrainingDeviceUnderTest.ExactNames
        from spec in _heads
        from toy in ToyTeacher.Kinds
        select new TestCaseData(device, spec, toy);

    [TestCaseSource(nameof(Heads))]
    public void Every_tensor_has_the_gradient_of_the_loss(string deviceName, HeadSpec spec, string toy) =>
        AssertGradients(deviceName, spec, toy, _texts, FiniteDifferences.Tolerance);

    [Test]
    [OnSimulator]
    public void So_it_has_by_the_kernels_of_a_card() =>
        AssertCardGradients(
            new HeadSpec(TrainedHeadKind.Chain, 1, Depth: 2),
            "additions",
            [TrainingSequence.Of([3, 7], [4, 4]), TrainingSequence.Of([5], [2])]
        );

    [OnSimulator]
    [Explicit("minutes on the simulator")]
    [TestCaseSource(nameof(AllHeads))]
    public void So_has_every_head_by_the_kernels_of_a_card(HeadSpec spec, string toy) =>
        AssertCardGradients(spec, toy, _texts);

    private static IEnumerable<TestCaseData> AllHeads() =>
        from spec in _heads
        from toy in ToyTeacher.Kinds
        select new TestCaseData(spec, toy);

    /// <summary>
    /// A card rounds one operand of each product to bf16, which adds up through a head: its operations are held to the tolerance by
    /// themselves, a whole head to what that rounding leaves.
    /// </summary>
    private static void AssertCardGradients(HeadSpec spec, string toy, TrainingSequence[] texts) =>
        AssertGradients(TrainingDeviceUnderTest.Simulator, spec, toy, texts, tolerance: 1e-2);

    private static void AssertGradients(
        string deviceName,
        HeadSpec spec,
        string toy,
        TrainingSequence[] texts,
        double tolerance
    )
    {
        using var test = TrainingDeviceUnderTest.Open(deviceName);
        using var teacher = new ToyTeacher(ToyTeacher.TraitsOf(toy));
        var settings = new TrainerSettings
        {
            SequenceLength = 10,
            BatchTokens = 18,
            Start = HeadStart.LastLayer,
        };
        using var trainer = new HeadTrainer(test.Device, teacher, teacher.Config, [spec], settings);
        var head = trainer.Heads[0];
        var stage = trainer.Stages[0];
        var pass = stage.Pass(0);

        // Both texts in one pass; without an update the gradients stay where they are to be read.
        trainer.Forward(texts);
        var blocks = stage.Blocks!;
        using var loss = new DraftLoss(test.Device, blocks, trainer.Heads, trainer.MaxPassRows);
        var answers = texts.Sum(text => text.AnswerTokens);
        loss.Run(stage.Teacher, trainer.Heads, pass, kept: null, DistillationLoss.Hybrid, 1.0 / answers);
        head.Backward(stage.Teacher, pass);

        var hidden = test.Read(stage.Teacher.After(spec.ExitLayer), pass.Rows);
        var reference = new DoubleHeads(head, Rotary(teacher, spec), teacher);
        var size = teacher.Config.HiddenSize;
        var split = texts[0].Length * size;
        double[][] states = [hidden[..split], hidden[split..]];
        var targets = TargetLogits(test, stage, texts, teacher.Config.VocabSize);
        var lambdas = new Dictionary<(int, int, int), double>();
        double Loss() => reference.Loss(texts, states, targets, DistillationLoss.Hybrid, lambdas);
        var total = Enumerable.Range(0, head.Steps).Sum(Weighted);
        Assert.That(Loss(), Is.EqualTo(total).Within(tolerance).Percent);

        foreach (var tensor in head.Tensors)
        {
            var values = reference.Tensors[tensor.Name];
            var gradient = DoubleHeads.Part(tensor, TrainedPart.Gradient);
            int[] entries = [.. Enumerable.Range(0, 10).Select(i => i * 7919 % values.Length).Distinct()];
            FiniteDifferences.AssertClose(
                [.. entries.Select(i => gradient[i])],
                [.. entries.Select(i => FiniteDifferences.Derivative(values, i, Loss))],
                tensor.Name,
                tolerance
            );
        }

        double Weighted(int step) => Math.Pow(0.9, step) * loss.Sums(head, step, pass).Loss / answers;
    }

    private static double[][][] TargetLogits(
        TrainingDeviceUnderTest test,
        TrainingStage stage,
        TrainingSequence[] texts,
        int vocabulary
    )
    {
        var targets = texts.Select(text => new double[text.Length][]).ToArray();
        var (pass, blocks) = (stage.Pass(0), stage.Blocks!);
        for (var first = 0; first < pass.TargetCount; first += blocks.Rows)
        {
            var count = Math.Min(blocks.Rows, pass.TargetCount - first);
            blocks.ComputeTarget(stage.Teacher, first, count);
            var logits = test.Read(blocks.Target, count).Chunk(vocabulary).ToArray();
            for (var i = 0; i < count; i++)
            {
                var row = pass.TargetRows[first + i];
                var split = texts[0].Length;
                targets[row < split ? 0 : 1][row < split ? row : row - split] = logits[i];
            }
        }

        return targets;
    }

    private static RotaryTable Rotary(ToyTeacher teacher, HeadSpec spec) =>
        new(teacher.Config.Rope, teacher.Config.HeadSize, 10 + spec.Depth, ElementType.Float32);
}
