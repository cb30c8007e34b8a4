using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>What a card records of a step: every part that has something to do, the same each time, and no other.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StepPartTests
{
    [TestCase(ExitHeadKind.Norm)]
    [TestCase(ExitHeadKind.Mlp)]
    public void A_head_without_a_cache_queues_nothing_for_rows_nobody_drafts_from(ExitHeadKind kind)
    {
        using var backend = new RecordedBackend();
        using var stage = Load(backend, kind);

        Step(stage, rows: 2, firstHeadRow: 2);
        Step(stage, rows: 2, firstHeadRow: 2);
        Step(stage, rows: 2, firstHeadRow: 1);

        Assert.That(
            backend.Queued.Where(part => part.Part == StepPart.ExitHead),
            Is.EqualTo(new[] { (StepPart.ExitHead, 2, 1) })
        );
    }

    [Test]
    public void A_transformer_head_takes_rows_nobody_drafts_from_into_its_cache()
    {
        using var backend = new RecordedBackend();
        using var stage = Load(backend, ExitHeadKind.Transformer);

        Step(stage, rows: 2, firstHeadRow: 2);
        Step(stage, rows: 2, firstHeadRow: 2);

        Assert.That(
            backend.Queued.Where(part => part.Part == StepPart.ExitHead),
            Is.EqualTo(new[] { (StepPart.ExitHead, 2, 2), (StepPart.ExitHead, 2, 2) })
        );
    }

    [Test]
    public void A_step_of_no_rows_and_a_target_head_of_none_queue_nothing()
    {
        using var backend = new RecordedBackend();
        using var stage = Load(backend, ExitHeadKind.Norm);
        stage.BeginStep();

        Assert.That(stage.Forward([], () => false));
        stage.ReadHidden([]);
        stage.RunTargetHead(0);
        Assert.That(backend.Queued, Is.Empty);

        Step(stage, rows: 2, firstHeadRow: 2);
        stage.RunTargetHead(2);
        Assert.That(backend.Queued.Select(part => part.Part), Is.EqualTo(new[] { StepPart.Layers }));
    }

    private static StageModel Load(Backend backend, ExitHeadKind kind)
    {
        var config = SyntheticPresets.Find("toy")! with { LayerCount = 2, VocabSize = 64 };
        return StageModelLoader.Load(
            backend,
            new StageModelOptions
            {
                Synthetic = new SyntheticWeights(),
                Config = config,
                FirstLayer = 0,
                LayerCount = 2,
                KvCacheBytes = 1 << 20,
                ExitHeads =
                [
                    new(
                        SyntheticPresets.ExitHead(config, exitLayer: 1) with
                        {
                            Kind = kind,
                            LayerCount = kind == ExitHeadKind.Transformer ? 1 : 0,
                        },
                        null
                    ),
                ],
            }
        );
    }

    private static void Step(StageModel stage, int rows, int firstHeadRow)
    {
        stage.BeginStep();
        for (var row = 0; row < rows; row++)
        {
            if (!stage.IsOpen(row))
            {
                stage.Open(row, capacity: 16, promptLength: 1, new());
            }

            Assert.That(stage.TryAppend(row, candidate: 0, parent: -1, token: 3 + row, isCertain: true));
        }

        Assert.That(stage.Forward([], () => false, firstHeadRow));
        stage.RunExitHead(firstHeadRow);
        for (var row = 0; row < rows; row++)
        {
            Assert.That(stage.Rollback(row, head: -1, length: 0));
        }
    }
}
