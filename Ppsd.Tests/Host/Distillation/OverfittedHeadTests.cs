using System.Text.Json;
using Ppsd.Host.Models;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Evaluation;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Saving;
using Ppsd.Kernels.Distillation.SelfWriting;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>
/// A head that knows some texts by heart drafts every token of them, when it is measured and when it is served: what training
/// computes is what stages compute.
/// </summary>
public sealed class OverfittedHeadTests
{
    private const int AnswerTokens = 10;
    private const int ExitLayer = 2;
    private const int MostSteps = 600;

    [TestCase(TestModels.Tiny, 64)]
    [TestCase(MadeModels.Phi3, 6)]
    [TestCase(MadeModels.Phi4, 6)]
    [TestCase(MadeModels.Granite, 6)]
    [TestCase(MadeModels.SmolLm3, 6)]
    public async Task A_head_that_knows_its_texts_drafts_them_all_offline_and_in_the_pipeline(string model, int count)
    {
        using var folder = new TemporaryFolder();
        var assets = ModelAssets.Open(TestModels.Folder(model), null, TimeProvider.System);
        string[] prompts = [.. Enumerable.Range(0, count).Select(i => $"Number {i * 7919 % 1000}")];
        var texts = Write(assets, [.. prompts.Select(prompt => assets.Tokenizer.Encode(prompt))]);
        var evaluated = Train(assets, texts, folder.FullPath);
        Assert.That(evaluated.Acceptance, Is.EqualTo(1), "offline");
        Assert.That(evaluated.Count, Is.EqualTo(texts.Sum(text => text.AnswerTokens)));

        var file = folder.Write(
            "prompts.jsonl",
            string.Join('\n', prompts.Select(prompt => JsonSerializer.Serialize(new { prompt })))
        );
        var served = await Cli.RunAsync([
            "generate",
            "--model",
            assets.Folder,
            "--exit-head",
            folder.FullPath,
            "--stage-layers",
            string.Join(',', Enumerable.Repeat(ExitLayer, assets.Config.LayerCount / ExitLayer)),
            "--threads",
            "1",
            "--device",
            "cpu",
            "--prompts",
            file,
            "--max-tokens",
            $"{AnswerTokens}",
            "--json",
        ]);
        Assert.That(served.ExitCode, Is.Zero, served.Error);
        var lines = served.OutputLines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.That(lines, Has.Length.EqualTo(count));
        for (var i = 0; i < count; i++)
        {
            var tokens = lines[i].GetProperty("token_ids").EnumerateArray().Select(id => id.GetInt32());
            Assert.That(texts[i].Tokens.TakeLast(AnswerTokens), Is.EqualTo(tokens).AsCollection, prompts[i]);
        }

        var verified = lines.Sum(line => line.GetProperty("stats").GetProperty("verified_drafts").GetInt64());
        var accepted = lines.Sum(line => line.GetProperty("stats").GetProperty("accepted_drafts").GetInt64());

        // Usually eight or nine a text. A draft stage that other processes keep waiting drafts less often, so most will do.
        Assert.That(verified, Is.GreaterThan(count * AnswerTokens / 2));
        Assert.That(accepted, Is.EqualTo(verified), "in the pipeline");
    }

    private static TrainingSequence[] Write(ModelAssets assets, int[][] prompts)
    {
        using var backend = new CpuBackend(1);
        using var model = StageModelLoader.Load(backend, TestModels.Options(assets.Folder));
        var writer = new AnswerWriter([model], width: 8, maxLength: 64, AnswerTokens, endTokens: []);
        var answers = writer
            .Write([.. prompts.Select(prompt => new AnswerRequest(prompt, new SamplingParameters()))], default)
            .OrderBy(answer => answer.Index)
            .Select(answer => answer.Answer);
        return [.. prompts.Zip(answers, (prompt, answer) => TrainingSequence.Of(prompt, answer))];
    }

    private static StepEvaluation Train(ModelAssets assets, TrainingSequence[] texts, string folder)
    {
        using var device = new CpuTrainingDevice(2);
        using var source = new CheckpointWeightSource(assets.Folder);
        using var trainer = new HeadTrainer(
            device,
            source,
            assets.Config,
            [new HeadSpec(TrainedHeadKind.Transformer, ExitLayer)],
            new TrainerSettings { SequenceLength = 64, BatchTokens = 1024 }
        );
        var evaluation = new HeadEvaluation(trainer);
        EvaluationText[] measured = [.. texts.Select(text => new EvaluationText(text, new SamplingParameters()))];
        foreach (var batch in new BatchPlan(texts, 1024, seed: 1).Batches().Take(MostSteps))
        {
            var sums = trainer.Learn(batch, 3e-3);

            // Well beyond right, so that rounding the weights to bf16 changes no draft.
            if (sums[0][0].Acceptance == 1 && sums[0][0].MeanOverlap > 0.5 && trainer.Step % 20 == 0)
            {
                HeadFolder.Write(
                    folder,
                    trainer.Heads[0],
                    new ExitHeadVerifier("tiny", assets.Config.LayerCount, assets.Config.HiddenSize, assets.Fingerprint)
                );
                var kept = HeadFolder.Round(trainer.Heads[0]);
                var result = evaluation.Run(measured, CancellationToken.None)[0][0];
                if (result.Acceptance == 1)
                {
                    return result;
                }

                HeadFolder.Restore(trainer.Heads[0], kept);
            }
        }

        throw new AssertionException($"the head did not know its texts after {trainer.Step} steps");
    }
}
