using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

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
            "| architecture | tried with | differs from a plain LLaMA by | transformers' text | cuts | chunks | norm head | transformer head |",
            "|---|---|---|---|---|---|---|---|",
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
        bool[] results =
        [
            Golden.Read(model).Index().All(golden => IsReferencesText(stage, golden.Item, golden.Index)),
            IsSameInCuts(backend, model, config.LayerCount),
            IsSameInChunks(stage, model),
            DraftsTargets(backend, model, folder => ExitHeadFolder.WriteNorm(model, config.LayerCount, folder)),
            DraftsTargets(
                backend,
                model,
                folder => ExitHeadFolder.WriteRemainingLayers(model, config.LayerCount - 2, folder)
            ),
        ];
        var cells = string.Join(" | ", results.Select(isRight => isRight ? "yes" : "no"));
        return $"| {config.Architecture} | {model} | {Differences(config)} | {cells} |";
    }

    private static string Differences(ModelConfig config)
    {
        var (layers, rope) = (config.Layers, config.Rope);
        string?[] all =
        [
            layers.HasQueryKeyValueBias ? "biases of q, k, v" : null,
            layers.HasOutputBias ? "bias of attention's output" : null,
            layers.HasFeedForwardBias ? "biases of the feed-forward block" : null,
            layers.HasHeadNorms ? "norms of query and key heads" : null,
            layers.SlidingWindow is { } window ? $"sliding window ({window} in the test)" : null,
            config.HeadSize * config.HeadCount != config.HiddenSize ? "head size of its own" : null,
            rope.Kind == RopeKind.Default ? null : $"{rope.Kind.ToString().ToLowerInvariant()} rope",
            config.TieWordEmbeddings ? "tied LM head" : null,
        ];
        return string.Join(", ", all.OfType<string>()) is { Length: > 0 } text ? text : "nothing";
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

    private static float[] LastLogits(SequenceRun run, int[] prompt, int chunk)
    {
        foreach (var part in prompt.Chunk(chunk))
        {
            run.Feed(part);
        }

        return run.Logits(1)[0];
    }

    // A head made of the model's own last part drafts the very logits of the target.
    private static bool DraftsTargets(CpuBackend backend, string model, Action<string> write)
    {
        using var folder = new TemporaryFolder();
        write(folder.FullPath);
        using var stage = StageModelLoader.Load(backend, TestModels.Options(model, exitHead: folder.FullPath));
        var prompt = Golden.Read(model)[1].InputIds;
        var run = new SequenceRun(stage, prompt.Length);
        run.Feed(prompt);
        stage.RunExitHead(prompt.Length - 1);
        var draft = stage.DraftLogits(prompt.Length - 1).ToArray();
        return draft.SequenceEqual(run.Logits(1)[0]);
    }
}
