using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;

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

    public static IEnumerable<TestCaseData> Heads()
    {
        // A card rounds one operand of each product to bf16, which adds up through a head; its operations are held by themselves.
        foreach (var device in TrainingDeviceUnderTest.ExactNames)
        {
            yield return new TestCaseData(device, new HeadSpec(TrainedHeadKind.Norm, 2));
            yield return new TestCaseData(device, new HeadSpec(TrainedHeadKind.Mlp, 1));
            yield return new TestCaseData(device, new HeadSpec(TrainedHeadKind.Transformer, 1));

            // After layer 1 these layers would be the model's own: drafts equal to the target, where the loss has a kink.
            yield return new TestCaseData(device, new HeadSpec(TrainedHeadKind.Transformer, 2, LayerCount: 2));
            yield return new TestCaseData(device, new HeadSpec(TrainedHeadKind.Chain, 1, Depth: 4));
        }
    }

    [TestCaseSource(nameof(Heads))]
    public void Every_tensor_has_the_gradient_of_the_loss(string deviceName, HeadSpec spec)
    {
        using var test = TrainingDeviceUnderTest.Open(deviceName);
        using var teacher = new ToyTeacher();
        var settings = new TrainerSettings
        {
            SequenceLength = 10,
            BatchTokens = 18,
            Start = HeadStart.LastLayer,
        };
        using var trainer = new HeadTrainer(test.Device, teacher, teacher.Config, [spec], settings);
        var head = trainer.Heads[0];

        // Both texts in one pass; without an update the gradients stay where they are to be read.
        trainer.Forward(_texts);
        using var blocks = new LogitBlocks(
            test.Device,
            teacher.Config.HiddenSize,
            teacher.Config.VocabSize,
            trainer.MaxPassRows
        );
        using var loss = new DraftLoss(test.Device, blocks, trainer.Heads, trainer.MaxPassRows);
        var answers = _texts.Sum(text => text.AnswerTokens);
        loss.Run(trainer.Teacher, trainer.Heads, trainer.Pass, DistillationLoss.Hybrid, 1.0 / answers);
        head.Backward(trainer.Teacher, trainer.Pass);

        var hidden = test.Read(trainer.Teacher.After(spec.ExitLayer), trainer.Pass.Rows);
        var reference = new DoubleHeads(head, Rotary(teacher, spec), teacher);
        var size = teacher.Config.HiddenSize;
        double[][] states = [hidden[..(8 * size)], hidden[(8 * size)..]];
        var targets = TargetLogits(test, trainer, blocks);
        var lambdas = new Dictionary<(int, int, int), double>();
        double Loss() => reference.Loss(_texts, states, targets, DistillationLoss.Hybrid, lambdas);
        var total = Enumerable.Range(0, head.Steps).Sum(Weighted);
        Assert.That(Loss(), Is.EqualTo(total).Within(1e-3).Percent);

        foreach (var tensor in head.Tensors)
        {
            var values = reference.Tensors[tensor.Name];
            var gradient = DoubleHeads.Part(tensor, TrainedPart.Gradient);
            int[] entries = [.. Enumerable.Range(0, 10).Select(i => i * 7919 % values.Length).Distinct()];
            FiniteDifferences.AssertClose(
                [.. entries.Select(i => gradient[i])],
                [.. entries.Select(i => FiniteDifferences.Derivative(values, i, Loss))],
                tensor.Name
            );
        }

        double Weighted(int step) => Math.Pow(0.9, step) * loss.Sums(head, step, trainer.Pass).Loss / answers;
    }

    private static double[][][] TargetLogits(TrainingDeviceUnderTest test, HeadTrainer trainer, LogitBlocks blocks)
    {
        var targets = _texts.Select(text => new double[text.Length][]).ToArray();
        var vocabulary = trainer.Config.VocabSize;
        for (var first = 0; first < trainer.Pass.TargetCount; first += blocks.Rows)
        {
            var count = Math.Min(blocks.Rows, trainer.Pass.TargetCount - first);
            blocks.ComputeTarget(trainer.Teacher, first, count);
            var logits = test.Read(blocks.Target, count).Chunk(vocabulary).ToArray();
            for (var i = 0; i < count; i++)
            {
                var row = trainer.Pass.TargetRows[first + i];
                targets[row < 8 ? 0 : 1][row < 8 ? row : row - 8] = logits[i];
            }
        }

        return targets;
    }

    private static RotaryTable Rotary(ToyTeacher teacher, HeadSpec spec) =>
        new(teacher.Config.Rope, teacher.Config.HeadSize, 10 + spec.Depth, ElementType.Float32);
}
