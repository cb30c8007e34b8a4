using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Evaluation;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>What it costs to learn from the teacher's most probable tokens alone, as stages on several devices do.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TeacherTokensTests
{
    [Test]
    public void A_head_that_learns_from_128_tokens_is_as_good_as_one_that_learns_from_all()
    {
        var all = Trained(teacherTokens: 0);
        var most = Trained(teacherTokens: 128);
        var one = Trained(teacherTokens: 1);
        TestContext.Out.WriteLine($"overlap: all {all.Overlap:F4}, 128 {most.Overlap:F4}, 1 {one.Overlap:F4}");
        TestContext.Out.WriteLine($"hits: all {all.Acceptance:F4}, 128 {most.Acceptance:F4}, 1 {one.Acceptance:F4}");
        Assert.That(most.Acceptance, Is.GreaterThan(all.Acceptance - 0.03));
        Assert.That(most.Overlap, Is.EqualTo(all.Overlap).Within(0.02));

        // The check can see a difference: one token says nothing of the others.
        Assert.That(one.Overlap, Is.LessThan(all.Overlap - 0.02));
    }

    private static StepEvaluation Trained(int teacherTokens)
    {
        var folder = TestModels.Folder(TestModels.Gsm);
        var config = ModelConfig.Read(folder);
        TrainingSequence[] texts =
        [
            .. Golden.Read(TestModels.Gsm).Select(golden => TrainingSequence.Of(golden.InputIds, golden.Greedy)),
        ];
        using var device = new CpuTrainingDevice(2);
        using var source = new CheckpointWeightSource(folder);
        using var trainer = new HeadTrainer(
            device,
            source,
            config,
            [new HeadSpec(TrainedHeadKind.Transformer, 4)],
            new TrainerSettings
            {
                SequenceLength = texts.Max(text => text.Length),
                BatchTokens = 1024,
                TeacherTokens = teacherTokens,
            }
        );
        for (var step = 0; step < 10; step++)
        {
            trainer.Learn(texts, 2e-3);
        }

        EvaluationText[] measured =
        [
            .. texts.Select(text => new EvaluationText(text, new SamplingParameters { Temperature = 1, Seed = 5 })),
        ];
        return new HeadEvaluation(trainer).Run(measured, CancellationToken.None)[0][0];
    }
}
