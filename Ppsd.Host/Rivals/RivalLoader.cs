using MathNet.Numerics.Distributions;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Rivals;
using Ppsd.Actors.Speculation.Blocks;
using Ppsd.Actors.Stages;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals.Knn;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Model.Drafting;

namespace Ppsd.Host.Rivals;

/// <summary>
/// Loads a model for a rival: cut at its exits, on the devices of a plan. Load and decode on one thread.
/// </summary>
/// <param name="plan">Stages; one for a single device.</param>
/// <param name="settings">Where they go.</param>
/// <param name="length">Tokens of the longest text; what is kept of it is all the memory that is taken.</param>
/// <param name="clock">Time, for costs and figures.</param>
internal sealed class RivalLoader(
    ModelAssets assets,
    StagePlan plan,
    StageSettings settings,
    int length,
    TimeProvider clock
)
{
    private Backend? _shared;

    /// <summary>Rows of a verifying pass at most: a block, and the positions of a prompt that shadow heads read.</summary>
    private const int StepRows = 32;

    /// <summary>Loads it for plain decoding in the same loop: one token a pass, and no head.</summary>
    public BlockDecoder LoadPlain() =>
        Load([], Headless, (_, _) => new EarlyExitDrafter(_ => new ConstantLength(0), []));

    /// <summary>Loads a rival.</summary>
    /// <param name="rival">Which, and how.</param>
    /// <param name="wrap">Puts something around each stage; null for nothing.</param>
    /// <exception cref="UserErrorException">It lacks what it drafts with.</exception>
    public BlockDecoder Load(RivalSettings rival, Func<IStageRuntime, IStageRuntime>? wrap = null) =>
        rival.Method switch
        {
            RivalMethod.Eesd => LoadEesd(rival, wrap),
            RivalMethod.LayerSkip => LoadLayerSkip(rival, wrap),
            RivalMethod.Del => LoadDel(rival),
            _ => LoadSkipping(KnnSets.Read(rival.SetsFile ?? KnnSets.FileBeside(assets), assets).Choose),
        };

    /// <summary>Loads it for drafts without some sublayers.</summary>
    /// <param name="choose">Chooses them from a prompt's feature.</param>
    public BlockDecoder LoadSkipping(Func<float[], IReadOnlyList<bool>> choose) =>
        Load([], Headless, (_, _) => new SkippingDrafter(choose));

    private BlockDecoder LoadDel(RivalSettings rival)
    {
        var heads = NormHeads.Find(assets, rival.LayerHeads);
        int[] exits = [.. heads.Select(head => head.Config.ExitLayer)];
        return Load(
            exits,
            Headless,
            (_, exitStages) =>
                new EarlyExitDrafter(
                    _ => new DelPolicy(exits, assets.Config.LayerCount, rival.UsesLength),
                    exitStages,
                    LoadHeads(heads)
                )
        );
    }

    private DeviceLayerHeads LoadHeads(IReadOnlyList<ExitHeadSource> heads)
    {
        // On the CPU they take turns with the stages on one team of threads, which the last stage frees.
        var device = settings.DeviceOf(0);
        var own =
            device == "cpu" && _shared is not null
                ? null
                : DeviceCatalog.Open(device, settings.Threads, settings.KvType, "heads");
        var options = new StageRuntimeFactory(assets, settings).OptionsFor(new LayerRange(0, 1)) with
        {
            ExitHeads = heads,
        };
        return new DeviceLayerHeads(LayerHeads.Load(own ?? _shared!, options, StepRows), own);
    }

    private BlockDecoder LoadEesd(RivalSettings rival, Func<IStageRuntime, IStageRuntime>? wrap)
    {
        var head =
            assets.ExitHead
            ?? throw new UserErrorException(
                $"--decode eesd: no exit head was made for the weights of {assets.Folder}; give one with --exit-head"
            );
        RequireBelowLast("--exit-head: the head's exit layer", head.ExitLayer);
        return Load(
            [head.ExitLayer],
            options => options,
            (stages, exits) =>
            {
                var costs = RivalCosts.Of(stages, exits[0]);
                return new EarlyExitDrafter(
                    request => rival.IsThompson ? Thompson(request.Sampling.Seed) : new BestLength(costs),
                    exits
                );
            },
            wrap,
            measuresRows: true
        );
    }

    private BlockDecoder LoadLayerSkip(RivalSettings rival, Func<IStageRuntime, IStageRuntime>? wrap)
    {
        var exit = rival.ExitLayer ?? Math.Max(1, assets.Config.LayerCount / 4);
        RequireBelowLast("--exit-at", exit);
        return Load(
            [exit],
            options => options with { ExitHeads = [OwnNormHead(exit)] },
            (_, exits) => new EarlyExitDrafter(_ => new ConstantLength(rival.DraftLength), exits),
            wrap
        );
    }

    private void RequireBelowLast(string name, int exit)
    {
        if (exit >= assets.Config.LayerCount)
        {
            throw new UserErrorException(
                $"{name}: expected 1 to {assets.Config.LayerCount - 1}, so that layers are left to verify with, found {exit}"
            );
        }
    }

    /// <summary>Draws are keyed by the text's seed, so that a text is drafted alike each time.</summary>
    private static ThompsonLength Thompson(ulong seed)
    {
        var random = new Random((int)(seed ^ (seed >> 32)));
        return new ThompsonLength((a, b) => Beta.Sample(random, a, b), random.NextDouble);
    }

    private static StageModelOptions Headless(StageModelOptions options) => options with { ExitHeads = [] };

    private ExitHeadSource OwnNormHead(int exit) =>
        new(ExitHeadConfig.OfNorm(assets.Config, exit), Folder: null) { HasOwnNorm = assets.Synthetic is null };

    private BlockDecoder Load(
        IReadOnlyList<int> exits,
        Func<StageModelOptions, StageModelOptions> change,
        Func<IReadOnlyList<IStageRuntime>, IReadOnlyList<int>, IBlockDrafter> createDrafter,
        Func<IStageRuntime, IStageRuntime>? wrap = null,
        bool measuresRows = false
    )
    {
        var cut = RivalCut.Of(plan, exits);
        var stages = new List<IStageRuntime>();
        try
        {
            foreach (var stage in LoadStages(cut, change, measuresRows))
            {
                stages.Add(wrap is null ? stage : wrap(stage));
            }

            return new BlockDecoder(stages, createDrafter(stages, cut.ExitStages), clock);
        }
        catch
        {
            stages.ForEach(stage => stage.Dispose());
            throw;
        }
    }

    private IEnumerable<IStageRuntime> LoadStages(
        RivalCut cut,
        Func<StageModelOptions, StageModelOptions> change,
        bool measuresRows
    )
    {
        var factory = new StageRuntimeFactory(
            assets,
            settings with
            {
                StepRows = settings.StepRows > 0 ? settings.StepRows : StepRows,
            }
        );
        var options = cut
            .Layers.Select((layers, i) => change(factory.OptionsFor(layers, settings.DeviceOf(cut.Devices[i]))))
            .ToList();
        Backend? shared = null;
        for (var i = 0; i < options.Count; i++)
        {
            var device = settings.DeviceOf(cut.Devices[i]);
            var onDevice = options.Where((_, other) => settings.DeviceOf(cut.Devices[other]) == device);
            var share = StageFootprint.ShareOf([.. onDevice.Select(StageFootprint.Of)], isAmongProcesses: false);

            // Cuts of one stage take turns on the CPU's threads: two teams would only wake one another. A card records a
            // stage's steps in its backend, so there each cut has its own.
            var isLastOfStage = i + 1 == options.Count || cut.Devices[i + 1] != cut.Devices[i];
            var isShared = device == "cpu" && (shared is not null || !isLastOfStage);
            var backend =
                shared ?? DeviceCatalog.Open(device, settings.Threads, settings.KvType, $"stage-{cut.Devices[i] + 1}");
            shared = isShared && !isLastOfStage ? backend : null;
            _shared = isShared ? backend : null;
            var tokens = length + 2 * StepRows + StageModel.KvPageSize;
            var loaded = options[i] with
            {
                Share = share,
                KvCacheBytes =
                    settings.KvCacheBytes > 0
                        ? settings.KvCacheBytes
                        : StageFootprint.Of(options[i]).KvValuesPerToken * sizeof(float) * tokens,
            };
            var runtime = new StageModelRuntime(
                backend,
                StageModelLoader.Load(backend, loaded),
                loaded,
                ownsBackend: !isShared || isLastOfStage
            );
            if (measuresRows)
            {
                runtime.MeasureRows(clock);
            }

            yield return runtime;
        }
    }
}
