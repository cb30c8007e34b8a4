using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Profiling;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Tests.Kernels.Distillation;

[Parallelizable(ParallelScope.All)]
public sealed class ProfileTests
{
    private static readonly HeadSpec[] _heads =
    [
        new(TrainedHeadKind.Transformer, 1),
        new(TrainedHeadKind.Mlp, 2),
        new(TrainedHeadKind.Chain, 1, Depth: 3),
    ];

    [Test]
    public void A_run_that_is_timed_gives_the_bits_of_one_that_is_not()
    {
        using var timed = new ProfiledTrainingDevice(new CpuTrainingDevice(1, passTokens: 24), TimeProvider.System);
        using var plain = new CpuTrainingDevice(1, passTokens: 24);
        Assert.That(Learn(timed, toy: "additions"), Is.EqualTo(Learn(plain, toy: "additions")).AsCollection);
    }

    [Test]
    public void Every_part_of_a_step_is_timed_and_its_products_are_counted()
    {
        using var device = new ProfiledTrainingDevice(new CpuTrainingDevice(1, passTokens: 64), TimeProvider.System);
        Learn(device, toy: "plain");
        var profile = device.Profile;
        foreach (var part in TrainingProfile.Parts)
        {
            Assert.That(profile.SecondsOf(part), Is.Positive, $"{part}");
        }

        Assert.That(profile.Seconds, Is.EqualTo(TrainingProfile.Parts.Sum(profile.SecondsOf)).Within(1e-9));
        foreach (var part in (TrainingPart[])[TrainingPart.Teacher, TrainingPart.Heads, TrainingPart.Backward])
        {
            Assert.That(profile.SecondsOf(part, OperationKind.Attention), Is.Positive, $"{part}");
        }

        // Three layers of the toy, 12 wide, 19 within, 24 values of queries, keys and values 12 each, on all rows of all steps.
        var rows = Texts.Sum(text => text.Length) * 3;
        const double Layer = 12 * (48 + 24 + 38 + 19);
        Assert.That(
            profile.FlopRate(TrainingPart.Teacher) * profile.SecondsOf(TrainingPart.Teacher, OperationKind.Products),
            Is.EqualTo(2 * rows * 3 * Layer).Within(0.001).Percent
        );
        Assert.That(profile.FlopRate(TrainingPart.Optimiser), Is.NaN);
    }

    [Test]
    public void A_product_alone_has_a_rate()
    {
        using var device = new CpuTrainingDevice(1);
        using var toy = new ToyTeacher();
        Assert.That(ProductRate.Measure(device, toy.Config, rows: 64, TimeProvider.System), Is.GreaterThan(1e6));
    }

    private static TrainingSequence[] Texts { get; } =
    [TrainingSequence.Of([3, 7, 1], [4, 4, 9, 28, 0]), TrainingSequence.Of([5], [6, 7, 8, 2, 1, 3])];

    private static float[] Learn(TrainingDevice device, string toy)
    {
        using var teacher = new ToyTeacher(ToyTeacher.TraitsOf(toy));
        var settings = new TrainerSettings { SequenceLength = 12, BatchTokens = 24 };
        using var trainer = new HeadTrainer(device, teacher, teacher.Config, _heads, settings);
        for (var step = 0; step < 3; step++)
        {
            trainer.Learn(Texts, 0.01);
        }

        return
        [
            .. trainer
                .Heads.SelectMany(head => head.Matrices)
                .SelectMany(matrix =>
                {
                    var values = new float[matrix.Count];
                    matrix.Read(TrainedPart.Values, values);
                    return values;
                }),
        ];
    }
}
