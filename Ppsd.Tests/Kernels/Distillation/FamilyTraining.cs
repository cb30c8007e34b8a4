using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Saving;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>Heads of every kind trained for a model of a family, against stages that load what was saved of them.</summary>
internal sealed class FamilyTraining(string model)
{
    private const int ExitLayer = 2;
    private const int Length = 40;

    /// <summary>Training and serving add up in other orders.</summary>
    private const double Tolerance = 1e-4;

    private static readonly HeadSpec[] _heads =
    [
        new(TrainedHeadKind.Norm, ExitLayer),
        new(TrainedHeadKind.Mlp, ExitLayer),
        new(TrainedHeadKind.Transformer, ExitLayer),
        new(TrainedHeadKind.Chain, ExitLayer, Depth: 3),
    ];

    private readonly ModelConfig _config = ModelConfig.Read(TestModels.Folder(model));
    private readonly int[] _prompt = Golden.Read(model)[2].InputIds[..20];

    /// <summary>True when the loss of every head falls, and the saved head's draft logits, of all its steps, are training's.</summary>
    public bool HeadsLearnAndDraftAsTrained()
    {
        using var device = new CpuTrainingDevice(1, passTokens: 64);
        using var source = new CheckpointWeightSource(TestModels.Folder(model));
        var settings = new TrainerSettings { SequenceLength = Length, BatchTokens = 64 };
        using var trainer = new HeadTrainer(device, source, _config, _heads, settings);
        TrainingSequence[] texts =
        [
            .. Golden.Read(model).Select(golden => TrainingSequence.Of([], golden.InputIds).Truncate(Length)),
        ];
        var before = trainer.Learn(texts, 3e-3);
        for (var step = 0; step < 6; step++)
        {
            trainer.Learn(texts, 3e-3);
        }

        var after = trainer.Learn(texts, 3e-3);
        return before.Zip(after).All(pair => pair.Second.Sum(one => one.Loss) < pair.First.Sum(one => one.Loss))
            && trainer.Heads.All(head => DraftsAsTrained(trainer, head));
    }

    private bool DraftsAsTrained(HeadTrainer trainer, TrainedHead head)
    {
        using var folder = new TemporaryFolder();
        HeadFolder.Write(
            folder.FullPath,
            head,
            new ExitHeadVerifier(
                model,
                _config.LayerCount,
                _config.HiddenSize,
                WeightsFingerprint.Compute(TestModels.Folder(model))
            )
        );
        HeadFolder.Round(head);
        var served = Served(folder.FullPath, head.Steps);

        // The text goes on as the chain drafted, so that both are given the same tokens.
        int[] drafted = [.. served.Select(logits => Array.IndexOf(logits, logits.Max()))];
        trainer.Forward([TrainingSequence.Of([], [.. _prompt, .. drafted])]);
        var stage = trainer.StageOf(head);
        return Enumerable
            .Range(0, head.Steps)
            .All(step =>
            {
                stage.Blocks!.ComputeDraft(stage.Teacher, head, step, stage.Pass(0), _prompt.Length - 1 + step, 1);
                var trained = new float[_config.VocabSize];
                stage.Device.Download(stage.Blocks.Draft, 1, trained);
                return Numbers.RelativeError(trained, served[step]) < Tolerance;
            });
    }

    /// <summary>Draft logits of all steps behind the prompt, by a stage.</summary>
    private float[][] Served(string folder, int steps)
    {
        using var backend = new CpuBackend(threads: 1);
        var options = TestModels.Options(model, layerCount: ExitLayer, exitHead: folder);
        using var stage = StageModelLoader.Load(backend, options);
        new SequenceRun(stage, _prompt.Length + steps).Feed(_prompt);
        stage.RunExitHead(_prompt.Length - 1, steps);
        return [.. Enumerable.Range(0, steps).Select(step => stage.DraftLogits(stage.RowCount - 1, step).ToArray())];
    }
}
