using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Kernels.Distillation;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>
/// The table of docs/models.md is what is found out here. Where it differs, the test says what it should be.
/// </summary>
public sealed class ModelsPageTests
{
    private static readonly string[] _models = [TestModels.Tiny, TestModels.Tiny3, .. TestModels.Families];

    [Test]
    public void The_table_of_families_is_what_they_do()
    {
        string[] lines =
        [
            "| architecture | tried with | differs from a plain LLaMA by | numbers of | text | cuts | chunks | widths | norm head | mlp head | transformer head | chain head | distill |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
            .. _models.OrderBy(FamilyOf).Select(Line),
        ];
        var page = File.ReadAllText(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "docs", "models.md")
        );
        Assert.That(page, Does.Contain(string.Join('\n', lines)));
        Assert.That(
            _models.Select(model => ModelConfig.Read(TestModels.Folder(model)).Architecture).Distinct(),
            Is.EquivalentTo(ModelFamilies.All.Select(family => family.Architecture)),
            "every family is tried"
        );
    }

    private static int FamilyOf(string model)
    {
        var architecture = ModelConfig.Read(TestModels.Folder(model)).Architecture;
        return ModelFamilies.All.Index().First(family => family.Item.Architecture == architecture).Index;
    }

    private static string Line(string model)
    {
        var config = ModelConfig.Read(TestModels.Folder(model));
        using var backend = new CpuBackend(threads: 1);
        using var stage = TestModels.Load(backend, model);
        var heads = new FamilyHeads(backend, model);
        bool[] results =
        [
            Golden.Read(model).Index().All(golden => IsReferencesText(stage, golden.Item, golden.Index)),
            IsSameInCuts(backend, model, config.LayerCount),
            IsSameInChunks(stage, model),
            IsSameAtWidths(stage, model),
            heads.NormDraftsTargets(),
            heads.MlpIsItsFormula(),
            heads.TransformerDraftsTargets(),
            heads.ChainDraftsTargetsAndGoesOnAlike(),
            new FamilyTraining(model).HeadsLearnAndDraftAsTrained(),
        ];
        var differences = string.Join(", ", FamilyDifferences.Of(config)) is { Length: > 0 } text ? text : "nothing";
        var numbers = MadeModels.Names.Contains(model) ? "our reference" : "transformers";
        var cells = string.Join(" | ", results.Select(isRight => isRight ? "yes" : "no"));
        return $"| {config.Architecture} | {model} | {differences} | {numbers} | {cells} |";
    }

    private static bool IsReferencesText(StageModel stage, Golden golden, int index)
    {
        var run = new SequenceRun(stage, golden.InputIds.Length + golden.Greedy.Length + 1, id: index + 1);
        return run.Generate(golden.InputIds, golden.Greedy.Length).SequenceEqual(golden.Greedy);
    }

    private static bool IsSameInCuts(CpuBackend backend, string model, int layers)
    {
        var prompt = Golden.Read(model)[1].InputIds;
        using var whole = TestModels.Load(backend, model);
        using var first = StageModelLoader.Load(backend, TestModels.Options(model, 0, layers / 2));
        using var second = StageModelLoader.Load(backend, TestModels.Options(model, layers / 2));
        return LastLogits(new SequenceRun([first, second], prompt.Length), prompt, prompt.Length)
            .SequenceEqual(LastLogits(new SequenceRun(whole, prompt.Length), prompt, prompt.Length));
    }

    private static bool IsSameInChunks(StageModel stage, string model)
    {
        var prompt = Golden.Read(model)[2].InputIds;
        return LastLogits(new SequenceRun(stage, prompt.Length, id: 101), prompt, 5)
            .SequenceEqual(LastLogits(new SequenceRun(stage, prompt.Length, id: 102), prompt, prompt.Length));
    }

    // Candidates for one position, all in one step, against each alone.
    private static bool IsSameAtWidths(StageModel stage, string model)
    {
        const int First = 201;
        var prompt = Golden.Read(model)[1].InputIds;
        var width = stage.MaxWidth;
        int[] candidates = [.. Enumerable.Range(10, width)];
        new SequenceRun(stage, prompt.Length + width, id: First).Feed(prompt);
        stage.BeginStep();
        foreach (var (i, token) in candidates.Index())
        {
            Assert.That(stage.TryAppend(First, prompt.Length + i, prompt.Length - 1, token, isCertain: false));
        }

        Assert.That(stage.Forward([], () => false));
        stage.RunTargetHead(0);
        var together = candidates.Index().Select(row => stage.TargetLogits(row.Index).ToArray()).ToArray();
        return together
            .Zip(candidates)
            .Index()
            .All(row =>
                LastLogits(
                        new SequenceRun(stage, prompt.Length + 1, id: First + 1 + row.Index),
                        [.. prompt, row.Item.Second],
                        prompt.Length
                    )
                    .SequenceEqual(row.Item.First)
            );
    }

    private static float[] LastLogits(SequenceRun run, int[] prompt, int chunk)
    {
        foreach (var part in prompt.Chunk(chunk))
        {
            run.Feed(part);
        }

        return run.Logits(1)[0];
    }
}
