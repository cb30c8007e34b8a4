using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Saving;
using Ppsd.Kernels.Distillation.Teacher;
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
        private readonly CpuTrainingDevice _device;
        private readonly ToyTeacher _teacher = new();
        private readonly BatchPlan _plan;

        public Run(int threads, int seed, HeadSpec[]? heads = null, int sequenceLength = 12, int passTokens = 48)
        {
            _device = new CpuTrainingDevice(threads, passTokens);
            Trainer = new HeadTrainer(
                _device,
                _teacher,
                _teacher.Config,
                heads ?? _heads,
                new TrainerSettings
                {
                    SequenceLength = sequenceLength,
                    BatchTokens = 48,
                    Seed = seed,
                    Start = HeadStart.Random,
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
            _device.Dispose();
            _teacher.Dispose();
        }
    }
}
