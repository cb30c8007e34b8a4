using System.Text.Json.Nodes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Rivals;
using Ppsd.Host.Rivals.Knn;
using Ppsd.Host.Rivals.Search;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Host.Bench.Paper;

/// <summary>A cell: one measurement.</summary>
/// <param name="Name">Experiment and what is measured, with a slash between.</param>
/// <param name="Measure">Measures it.</param>
internal sealed record PaperCell(string Name, Func<CancellationToken, Task<JsonObject>> Measure);

/// <summary>The cells of a run, for experiments 1 to 4. The fifth reuses the cells of the first.</summary>
internal sealed class PaperPlan(PaperSettings settings, TimeProvider clock)
{
    private readonly PaperArms _arms = new(settings, clock);

    private int Layers => settings.Assets.Config.LayerCount;

    private GenerationSettings Exit => settings.Greedy with { Drafts = DraftSources.ExitHead };

    private GenerationSettings Chain => Exit with { MaxWidth = 8, ChainDepth = 0 };

    /// <summary>Exit layers of the second experiment: eighths of the model up to three quarters.</summary>
    public IReadOnlyList<int> Depths =>
        [.. Enumerable.Range(1, 6).Select(eighths => Layers * eighths / 8).Where(depth => depth > 0).Distinct()];

    /// <summary>All cells, in the order in which they are measured.</summary>
    public IReadOnlyList<PaperCell> Cells() =>
        [.. Replication(), .. Depth(), .. Kinds(), .. Stages(), .. Delays(), .. Tasks(), .. Lengths()];

    private IEnumerable<PaperCell> Replication()
    {
        var quarter = settings.Quarter;
        if (settings.HeadAt(quarter, ExitHeadKind.Transformer) is { } head)
        {
            yield return Pipeline("replication/ppsd 2 stages", head, Cut(quarter, 2), Exit);
            yield return Pipeline("replication/ppsd 4 stages", head, Cut(quarter, 4), Exit);
            yield return Rival("replication/eesd fixed", head, new RivalSettings(RivalMethod.Eesd));
            yield return Rival(
                "replication/eesd thompson",
                head,
                new RivalSettings(RivalMethod.Eesd) { IsThompson = true }
            );
        }

        if (settings.HeadAt(quarter, ExitHeadKind.Chain) is { } chain)
        {
            yield return Pipeline("replication/chain 4 stages", chain, Cut(quarter, 4), Chain);
            if (!settings.IsShort)
            {
                yield return Pipeline("replication/chain 2 stages", chain, Cut(quarter, 2), Chain);
            }
        }

        if (settings.Acceptance is not null)
        {
            // Of a synthetic model only the exit head's drafts are replayed.
            yield break;
        }

        yield return Rival("replication/layerskip", settings.Assets, new RivalSettings(RivalMethod.LayerSkip));
        if (settings.Assets.Synthetic is null && Directory.Exists(NormHeads.FolderBeside(settings.Assets)))
        {
            yield return Rival("replication/del", settings.Assets, new RivalSettings(RivalMethod.Del));
            yield return Rival(
                "replication/del computed length",
                settings.Assets,
                new RivalSettings(RivalMethod.Del) { UsesLength = true }
            );
        }

        yield return new PaperCell("replication/knn-ssd", cancellation => Task.FromResult(Knn(cancellation)));
    }

    private IEnumerable<PaperCell> Depth() =>
        from depth in Depths
        where !settings.IsShort || depth == settings.Quarter || depth == Layers / 2
        let head = settings.HeadAt(depth, ExitHeadKind.Transformer)
        where head is not null
        select Pipeline($"depth/{depth}", head, CutInto(depth), Exit);

    private IEnumerable<PaperCell> Kinds() =>
        from kind in (ExitHeadKind[])[ExitHeadKind.Norm, ExitHeadKind.Mlp, ExitHeadKind.Transformer, ExitHeadKind.Chain]
        let head = settings.HeadAt(settings.Quarter, kind)
        where head is not null && (!settings.IsShort || kind == ExitHeadKind.Norm)
        select Pipeline(
            $"heads/{kind.ToString().ToLowerInvariant()}",
            head,
            Cut(settings.Quarter, 4),
            kind == ExitHeadKind.Chain ? Chain : Exit
        );

    private IEnumerable<PaperCell> Stages()
    {
        var most = settings.Assets.Config.MaxPositions - StageProbe.AddedTokens - 1;
        int[] lengths = settings.IsShort ? [64] : [64, 256, 1024];
        return from depth in (int[])[Math.Max(1, Layers / 8), settings.Quarter, Layers / 2]
            from length in lengths
            where length <= most && (!settings.IsShort || depth == settings.Quarter)
            select new PaperCell(
                $"stages/{depth} layers {length} tokens",
                _ => Task.FromResult(StageTimes(depth, length))
            );
    }

    private IEnumerable<PaperCell> Delays()
    {
        var plan = Cut(settings.Quarter, 4);
        (string Name, ModelAssets? Head, GenerationSettings Generation)[] ways =
        [
            ("ppsd", settings.HeadAt(settings.Quarter, ExitHeadKind.Transformer), Exit),
            ("chain", settings.HeadAt(settings.Quarter, ExitHeadKind.Chain), Chain),
            ("n-grams", settings.Assets, Chain with { Drafts = DraftSources.NGrams }),
        ];
        return from delayMs in settings.IsShort ? (int[])[5] : [0, 1, 5, 20, 50, 100]
            from way in ways
            where way.Head is not null && (!settings.IsShort || way.Name == "ppsd")
            select new PaperCell(
                $"delays/{way.Name} {delayMs} ms",
                cancellation => _arms.DelayedAsync(way.Head!, plan, way.Generation, delayMs, cancellation)
            );
    }

    private IEnumerable<PaperCell> Tasks() =>
        settings.Assets.Synthetic is not null
            ? []
            : from depth in Depths
            let head = settings.HeadAt(depth, ExitHeadKind.Transformer)
            where head is not null && depth <= Layers / 2
            from task in PaperPrompts.All
            from temperature in (float[])[0, 0.7f, 1]
            where !settings.IsShort || (temperature == 0 && depth == settings.Quarter && task.Task != "prose")
            select new PaperCell(
                FormattableString.Invariant($"tasks/{depth} layers {task.Task} T={temperature}"),
                cancellation => Task.FromResult(Acceptance(head, task.Prompts, depth, temperature, cancellation))
            );

    private IEnumerable<PaperCell> Lengths() =>
        settings.Assets.Synthetic is not null
        || settings.HeadAt(settings.Quarter, ExitHeadKind.Transformer) is not { } head
            ? []
            : from count in settings.IsShort ? (int[])[1] : [1, 2, 4, 8]
            let prompt = string.Concat(
                BuiltInQuestions.All.Take(count).Select(question => $"USER: {question} ASSISTANT: ")
            )
            select new PaperCell(
                $"lengths/{count} questions",
                cancellation => Task.FromResult(Acceptance(head, [prompt.TrimEnd()], settings.Quarter, 0, cancellation))
            );

    private PaperCell Pipeline(string name, ModelAssets assets, StagePlan plan, GenerationSettings generation) =>
        new(name, cancellation => _arms.PipelineAsync(assets, plan, generation, cancellation));

    private PaperCell Rival(string name, ModelAssets assets, RivalSettings rival) =>
        new(name, cancellation => Task.FromResult(_arms.Rival(assets, rival, cancellation)));

    private JsonObject Knn(CancellationToken cancellation)
    {
        var path = KnnSets.FileBeside(settings.Assets);
        if (settings.Assets.Synthetic is not null || !File.Exists(path))
        {
            path = Path.Combine(settings.Folder, "knn-sets.json");
            var trials = settings.IsShort ? 6 : settings.KnnTrials;
            new KnnSetFinder(_arms.Loader(settings.Assets), settings.Assets, trials, seed: 1)
                .Find([new KnnPrompts("prompts", settings.Prompts)], Console.Error.WriteLine, cancellation)
                .Write(path);
        }

        var figures = _arms.Rival(
            settings.Assets,
            new RivalSettings(RivalMethod.KnnSsd) { SetsFile = path },
            cancellation
        );
        figures["skipped"] = KnnSets.Read(path, settings.Assets).Tasks[0].Skipped.Count(skips => skips);
        return figures;
    }

    private JsonObject StageTimes(int depth, int length)
    {
        var model = settings.HeadAt(depth, ExitHeadKind.Transformer) ?? settings.Assets;
        var costs = new CostMeasurement(model, settings.Stages, stageCount: 1, length, clock);
        var first = costs.Measure(model, new LayerRange(0, depth), stage: 0);
        var rest = costs.Measure(model, new LayerRange(depth, Layers - depth), stage: 0);
        return new JsonObject
        {
            ["layers"] = depth,
            ["tokens"] = length,
            ["first_ms"] = first.LayersMs,
            ["exit_head_ms"] = first.HeadMs > 0 ? first.HeadMs : double.NaN,
            ["rest_ms"] = rest.LayersMs,
            ["target_head_ms"] = rest.HeadMs,
        };
    }

    private JsonObject Acceptance(
        ModelAssets head,
        IReadOnlyList<string> prompts,
        int depth,
        float temperature,
        CancellationToken cancellation
    )
    {
        var generation = Exit with
        {
            MaxTokens = Math.Min(settings.Tokens, 64),
            Sampling = new SamplingSettings { Temperature = temperature, Seed = 1 },
        };
        var tokens = prompts.Select(prompt => head.Tokenizer.Encode(prompt, cancellation)).ToList();
        var result = _arms.LockStep(head, CutInto(depth), generation, tokens, cancellation);
        var judged = result.Sources.Sum(source => source.Judged);
        return new JsonObject
        {
            ["prompt_tokens"] = tokens.Average(prompt => prompt.Length),
            ["alpha"] = judged == 0 ? double.NaN : result.Sources.Sum(source => source.Accepted) / (double)judged,
            ["cycles_per_token"] = result.CyclesPerToken,
            ["speed_up"] = result.SpeedUp,
            ["text_identical"] = result.IsTextIdentical,
        };
    }

    /// <summary>The exit's layers first, the others shared evenly.</summary>
    private StagePlan Cut(int exit, int stages)
    {
        var rest = StagePlan.Even(Layers - exit, Math.Min(stages - 1, Layers - exit));
        return StagePlan.FromCounts([exit, .. rest.Stages.Select(stage => stage.Count)], Layers);
    }

    /// <summary>⌈N/E⌉ stages, as the paper cuts.</summary>
    private StagePlan CutInto(int exit) => Cut(exit, (Layers + exit - 1) / exit);
}
