using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Evaluation;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Saving;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Kernels.Distillation;

[Parallelizable(ParallelScope.All)]
public sealed class TrainerTests
{
    private static readonly HeadSpec[] _heads =
    [
        new(TrainedHeadKind.Transformer, 1),
        new(TrainedHeadKind.Norm, 2),
        new(TrainedHeadKind.Chain, 1, Depth: 3),
    ];

    [Test]
    public void Two_runs_with_one_seed_give_the_same_bits_on_any_number_of_threads()
    {
        using var one = new Run(threads: 1, seed: 5);
        using var same = new Run(threads: 1, seed: 5);
        using var three = new Run(threads: 3, seed: 5);
        using var other = new Run(threads: 1, seed: 6);
        foreach (var run in (Run[])[one, same, three, other])
        {
            run.Learn(steps: 6, from: 0);
        }

        Assert.That(same.Weights(), Is.EqualTo(one.Weights()).AsCollection);
        Assert.That(three.Weights(), Is.EqualTo(one.Weights()).AsCollection);
        Assert.That(other.Weights(), Is.Not.EqualTo(one.Weights()).AsCollection);
    }

    [Test]
    public void A_resumed_run_has_the_weights_of_one_that_was_not_interrupted()
    {
        using var folder = new TemporaryFolder();
        var state = Path.Combine(folder.FullPath, "state.safetensors");
        using var whole = new Run(threads: 1, seed: 5);
        whole.Learn(steps: 7, from: 0);

        using (var interrupted = new Run(threads: 1, seed: 5))
        {
            interrupted.Learn(steps: 3, from: 0);
            TrainerState.Write(state, interrupted.Trainer);
        }

        using var resumed = new Run(threads: 1, seed: 5);
        TrainerState.Read(state, resumed.Trainer);
        Assert.That(resumed.Trainer.Step, Is.EqualTo(3));
        resumed.Learn(steps: 4, from: 3);
        Assert.That(resumed.Trainer.AnswerTokens, Is.EqualTo(whole.Trainer.AnswerTokens));
        Assert.That(resumed.Weights(), Is.EqualTo(whole.Weights()).AsCollection);
    }

    [Test]
    public void A_batch_learnt_in_several_passes_gives_what_one_pass_gives()
    {
        using var wide = new Run(threads: 1, seed: 5, sequenceLength: 48);
        using var narrow = new Run(threads: 1, seed: 5, passTokens: 12);
        wide.Learn(steps: 1, from: 0);
        narrow.Learn(steps: 1, from: 0);
        Assert.That(narrow.Trainer.MaxPassRows, Is.LessThan(wide.Trainer.MaxPassRows));
        Assert.That(narrow.Weights(), Is.EqualTo(wide.Weights()).Within(1e-5).AsCollection);
    }

    [Test]
    public void A_head_learns_the_same_alone_and_in_company()
    {
        using var alone = new Run(threads: 1, seed: 5, heads: [_heads[0]]);
        using var company = new Run(threads: 1, seed: 5);
        alone.Learn(steps: 4, from: 0);
        company.Learn(steps: 4, from: 0);
        Assert.That(company.Weights().Take(alone.Weights().Length), Is.EqualTo(alone.Weights()).AsCollection);
    }

    [TestCase("2,1")]
    [TestCase("1,1,1")]
    public void A_model_cut_into_stages_gives_the_bits_of_one_that_is_not(string cut)
    {
        using var alone = new Run(threads: 1, seed: 5, teacherTokens: 7, passTokens: 12);
        using var stages = new Run(threads: 1, seed: 5, teacherTokens: 7, passTokens: 12, cut: cut);
        using var again = new Run(threads: 2, seed: 5, teacherTokens: 7, passTokens: 12, cut: cut);
        foreach (var run in (Run[])[alone, stages, again])
        {
            run.Learn(steps: 5, from: 0);
        }

        Assert.That(stages.Trainer.Stages[0].Heads, Is.Not.Empty);
        Assert.That(stages.Weights(), Is.EqualTo(alone.Weights()).AsCollection);
        Assert.That(again.Weights(), Is.EqualTo(alone.Weights()).AsCollection);
        var measured = new[] { alone, stages }.Select(run => Measure(run.Trainer)).ToArray();
        Assert.That(measured[1], Is.EqualTo(measured[0]).AsCollection);
    }

    [Test]
    public void All_tokens_but_one_of_the_teacher_teach_what_its_whole_distribution_does()
    {
        using var whole = new Run(threads: 1, seed: 5);
        using var kept = new Run(threads: 1, seed: 5, teacherTokens: 28);
        whole.Learn(steps: 4, from: 0);
        kept.Learn(steps: 4, from: 0);
        Assert.That(kept.Weights(), Is.EqualTo(whole.Weights()).Within(1e-4).AsCollection);
    }

    [Test]
    public void A_stage_that_fails_ends_the_step_on_all()
    {
        using var run = new Run(threads: 1, seed: 5, teacherTokens: 7, passTokens: 12, cut: "1,1,1");
        var tooLong = TrainingSequence.Of([1], [.. new int[60]]);
        Assert.That(() => run.Trainer.Learn([Run.Texts[0], tooLong], 0.01), Throws.InstanceOf<Exception>());
        run.Learn(steps: 1, from: 0);
        Assert.That(run.Trainer.Step, Is.EqualTo(1));
    }

    private static double[] Measure(HeadTrainer trainer)
    {
        EvaluationText[] texts =
        [
            .. Run.Texts.Take(4).Select(text => new EvaluationText(text, new SamplingParameters())),
        ];
        return
        [
            .. new HeadEvaluation(trainer)
                .Run(texts, CancellationToken.None)
                .SelectMany(steps => steps.SelectMany(step => (double[])[step.Count, step.Acceptance, step.Overlap])),
        ];
    }

    [Test]
    public void A_loss_that_is_not_a_number_leaves_the_weights_alone()
    {
        using var run = new Run(threads: 1, seed: 5);
        var norm = run.Trainer.Heads[1].Norm;
        norm.Write(TrainedPart.Values, [.. Enumerable.Repeat(float.NaN, norm.Count)]);
        var before = run.Weights();
        var sums = run.Trainer.Learn(Run.Texts, 0.01);
        Assert.That(sums[1][0].Loss, Is.NaN);
        Assert.That(run.Weights(), Is.EqualTo(before).AsCollection);
        Assert.That(run.Trainer.Step, Is.Zero);
    }

    /// <summary>Training of a toy model on a few texts.</summary>
    private sealed class Run : IDisposable
    {
        private readonly CpuTrainingDevice[] _devices;
        private readonly ToyTeacher _teacher = new();
        private readonly BatchPlan _plan;

        public Run(
            int threads,
            int seed,
            HeadSpec[]? heads = null,
            int sequenceLength = 12,
            int passTokens = 48,
            int teacherTokens = 0,
            string cut = "3"
        )
        {
            int[] layers = [.. cut.Split(',').Select(int.Parse)];
            _devices = [.. layers.Select(_ => new CpuTrainingDevice(threads, passTokens))];
            Trainer = new HeadTrainer(
                [.. layers.Select((count, i) => new TrainingPlace(_devices[i], layers[..i].Sum(), count))],
                _teacher,
                _teacher.Config,
                heads ?? _heads,
                new TrainerSettings
                {
                    SequenceLength = sequenceLength,
                    BatchTokens = 48,
                    Seed = seed,
                    Start = HeadStart.Random,
                    TeacherTokens = teacherTokens,
                }
            );
            _plan = new BatchPlan(Texts, 30, seed);
        }

        public static TrainingSequence[] Texts { get; } =
        [
            .. Enumerable
                .Range(0, 9)
                .Select(i =>
                    TrainingSequence.Of(
                        [i, (i * 5 + 2) % 29],
                        [.. Enumerable.Range(0, 3 + i % 8).Select(j => (i * j + 3 * j + 1) % 29)]
                    )
                ),
        ];

        public HeadTrainer Trainer { get; }

        public void Learn(int steps, int from)
        {
            foreach (var batch in _plan.Batches().Skip(from).Take(steps))
            {
                Trainer.Learn(batch, 0.01);
            }
        }

        public float[] Weights() =>
            [
                .. Trainer.Heads.SelectMany(head =>
                    head.Matrices.SelectMany(matrix =>
                    {
                        var values = new float[matrix.Count];
                        matrix.Read(TrainedPart.Values, values);
                        return values;
                    })
                ),
            ];

        public void Dispose()
        {
            Trainer.Dispose();
            Array.ForEach(_devices, device => device.Dispose());
            _teacher.Dispose();
        }
    }
}
