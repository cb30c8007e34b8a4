using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>The teacher of every family computes what transformers or our reference computes, and heads of its kind learn from it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TeacherGoldenTests
{
    private static readonly string[] _models = [TestModels.Tiny, TestModels.Tiny3, .. TestModels.Families];

    [TestCaseSource(nameof(_models))]
    public void Its_logits_are_those_of_the_reference(string model)
    {
        var config = ModelConfig.Read(TestModels.Folder(model));
        using var device = new CpuTrainingDevice(1, passTokens: 64);
        using var source = new CheckpointWeightSource(TestModels.Folder(model));
        var goldens = Golden.Read(model);
        using var trainer = new HeadTrainer(
            device,
            source,
            config,
            [new HeadSpec(TrainedHeadKind.Norm, 1)],
            new TrainerSettings { SequenceLength = goldens.Max(golden => golden.InputIds.Length + 1), BatchTokens = 64 }
        );
        var stage = trainer.Stages[0];
        foreach (var golden in goldens)
        {
            // A token more, so that every position of the prompt predicts one.
            trainer.Forward([TrainingSequence.Of(golden.InputIds.AsSpan(0, 1), [.. golden.InputIds.Skip(1), 0])]);
            var count = golden.InputIds.Length;
            var logits = new float[count * config.VocabSize];
            var blocks = stage.Blocks!;
            for (var first = 0; first < count; first += blocks.Rows)
            {
                var some = Math.Min(blocks.Rows, count - first);
                blocks.ComputeTarget(stage.Teacher, first, some);
                device.Download(blocks.Target, some, logits.AsSpan(first * config.VocabSize));
            }

            // The reference has those of the prompt's last tokens.
            var rows = logits.Chunk(config.VocabSize).TakeLast(golden.Logits.Length).ToArray();
            for (var row = 0; row < rows.Length; row++)
            {
                Assert.That(Numbers.RelativeError(rows[row], golden.Logits[row]), Is.LessThan(1e-4), $"row {row}");
            }
        }
    }

    [TestCaseSource(nameof(_models))]
    public void Every_kind_of_head_learns(string model)
    {
        var config = ModelConfig.Read(TestModels.Folder(model));
        using var device = new CpuTrainingDevice(1, passTokens: 64);
        using var source = new CheckpointWeightSource(TestModels.Folder(model));
        HeadSpec[] heads =
        [
            new(TrainedHeadKind.Norm, 1),
            new(TrainedHeadKind.Mlp, 1),
            new(TrainedHeadKind.Transformer, 1),
            new(TrainedHeadKind.Chain, 1, Depth: 3),
        ];
        var settings = new TrainerSettings { SequenceLength = 48, BatchTokens = 64 };
        using var trainer = new HeadTrainer(device, source, config, heads, settings);
        TrainingSequence[] texts =
        [
            .. Golden.Read(model).Select(golden => TrainingSequence.Of([], golden.InputIds).Truncate(48)),
        ];
        var before = trainer.Learn(texts, 3e-3);
        IReadOnlyList<LossSums[]> after = before;
        for (var step = 0; step < 12; step++)
        {
            after = trainer.Learn(texts, 3e-3);
        }

        for (var i = 0; i < heads.Length; i++)
        {
            Assert.That(after[i].Sum(one => one.Loss), Is.LessThan(before[i].Sum(one => one.Loss)), heads[i].Name);
        }
    }
}
