using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Bench.Rivals;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Rivals;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Bench.Paper;

/// <summary>The ways to decode that cells measure, each beside plain decoding in the same rounds.</summary>
internal sealed class PaperArms(PaperSettings settings, TimeProvider clock)
{
    /// <summary>One-way milliseconds from which a link counts as slow.</summary>
    private const int SlowLinkMs = 10;

    private readonly ReplayedTexts? _replay = settings.Acceptance is { } rate ? new ReplayedTexts(rate) : null;

    /// <summary>A pipeline with drafts and without, and the whole model on one of its devices.</summary>
    /// <param name="assets">The model and its head.</param>
    /// <param name="generation">Draft sources and width.</param>
    public async Task<JsonObject> PipelineAsync(
        ModelAssets assets,
        StagePlan plan,
        GenerationSettings generation,
        CancellationToken cancellation
    )
    {
        DecodeBenchResult result;
        double joules,
            plainJoules;
        using var energy = new PaperEnergy(settings, clock);
        await using (
            var pipeline = await InProcessPipeline.StartAsync(
                assets,
                plan,
                settings.Stages,
                settings.Node,
                clock,
                _replay is null ? null : runtime => new ReplayedRuntime(runtime, _replay)
            )
        )
        {
            var stand = new BenchStand { Pipeline = pipeline };
            result = await new DecodeBench(stand, assets, clock, _replay).RunAsync(
                new DecodeBenchSettings(settings.Prompts, generation, settings.Rounds),
                cancellation
            );
            joules = await energy.OfAsync(pipeline, assets, generation, cancellation);
            plainJoules = await energy.OfAsync(pipeline, assets, settings.Greedy, cancellation);
        }

        var one = OneDevice(assets, energy, cancellation);
        var cycles = LockStep(assets, plan, generation, settings.Prompts, cancellation, result.HandOverMs);
        var slowestMs = Enumerable
            .Range(0, result.StageCount)
            .Max(stage =>
                result.StageMsTogether(stage)
                + (result.Pipeline.Stages[stage].Description.HasExitHead ? result.ExitHeadMs : 0)
            );
        return new JsonObject
        {
            ["devices"] = plan.Stages.Count,
            ["layers"] = plan.ToString(),
            ["tokens_per_second"] = result.TokensPerSecond(BenchArm.Ppsd),
            ["same_stages_tokens_per_second"] = result.TokensPerSecond(BenchArm.Autoregressive),
            ["one_device_tokens_per_second"] = one.TokensPerSecond,
            ["speed_up_same_stages"] = result.SpeedUpOver(BenchArm.Autoregressive),
            ["speed_up_one_device"] = result.TokensPerSecond(BenchArm.Ppsd) / one.TokensPerSecond,
            ["joules_per_token"] = joules,
            ["same_stages_joules_per_token"] = plainJoules,
            ["one_device_joules_per_token"] = one.JoulesPerToken,
            ["free_cores_tokens_per_second"] =
                cycles.Predicted?.Drafted ?? (1000 / (cycles.CyclesPerToken * slowestMs)),
            ["cycles_per_token"] = cycles.CyclesPerToken,
            ["lock_step_speed_up"] = cycles.SpeedUp,
            ["equation_7"] = result.Model.Equation7,
            ["alpha"] = result.Alpha,
            ["tokens_per_run"] = result.TokensPerRun,
            ["exit_head_ms"] = result.ExitHeadMs,
            ["hop_ms"] = result.HandOverMs,
            ["cancelled_share"] = result.CancelledShare,
            ["stage_ms"] = List(result.StageCount, result.StageMs),
            ["stage_ms_together"] = List(result.StageCount, result.StageMsTogether),
            ["busy"] = List(result.StageCount, stage => result.BusyShare(BenchArm.Ppsd, stage)),
            ["busy_plain"] = List(result.StageCount, stage => result.BusyShare(BenchArm.Autoregressive, stage)),
            ["doomed"] = List(result.StageCount, stage => Doomed(result, stage)),
            ["text"] = Hash(result.Rounds(BenchArm.Ppsd)[0].Tokens),
            ["text_identical"] =
                result.IsTextIdentical && one.IsSame(result.Rounds(BenchArm.Ppsd)[0].Tokens) && cycles.IsTextIdentical,
        };
    }

    /// <summary>A pipeline with drafts and without, all of whose links take a time one way.</summary>
    /// <param name="assets">The model and its head.</param>
    /// <param name="generation">Draft sources and width.</param>
    /// <param name="delayMs">Milliseconds that every message between two stages takes.</param>
    public async Task<JsonObject> DelayedAsync(
        ModelAssets assets,
        StagePlan plan,
        GenerationSettings generation,
        int delayMs,
        CancellationToken cancellation
    )
    {
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            plan,
            settings.Stages,
            settings.Node with
            {
                Links = FormattableString.Invariant($"ppsd.pipeline.link-delay = {delayMs}ms\n"),
            },
            clock,
            _replay is null ? null : runtime => new ReplayedRuntime(runtime, _replay)
        );

        // On slow links a token takes up to half a second, and its time hardly varies.
        var most = delayMs <= SlowLinkMs ? 64 : 48;
        var result = await new DecodeBench(new BenchStand { Pipeline = pipeline }, assets, clock, _replay).RunAsync(
            new DecodeBenchSettings(
                [settings.Prompts[0]],
                generation with
                {
                    MaxTokens = Math.Min(settings.Tokens, most),
                },
                delayMs <= SlowLinkMs ? settings.Rounds : 1
            ),
            cancellation
        );

        // Of whole texts: where links are slow a chain may bring all of a text in one round trip, behind its first token at once.
        return new JsonObject
        {
            ["delay_ms"] = delayMs,
            ["tokens_per_second"] = result.TextTokensPerSecond(BenchArm.Ppsd),
            ["same_stages_tokens_per_second"] = result.TextTokensPerSecond(BenchArm.Autoregressive),
            ["speed_up_same_stages"] = result.TextSpeedUpOver(BenchArm.Autoregressive),
            ["stage_ms"] = List(result.StageCount, result.StageMs),
            ["text_identical"] = result.IsTextIdentical,
        };
    }

    /// <summary>A rival and plain decoding on one device.</summary>
    public JsonObject Rival(ModelAssets assets, RivalSettings rival, CancellationToken cancellation)
    {
        var loader = Loader(assets);
        using var energy = new PaperEnergy(settings, clock);
        using var plain = loader.LoadPlain();
        using var decoder = loader.Load(rival, _replay is null ? null : stage => new ReplayedRuntime(stage, _replay));
        var result = new RivalBench(plain, decoder, assets, _replay).Run(
            settings.Prompts,
            settings.Greedy,
            settings.Rounds,
            cancellation
        );
        return new JsonObject
        {
            ["devices"] = 1,
            ["tokens_per_second"] = result.TokensPerSecond,
            ["one_device_tokens_per_second"] = result.PlainTokensPerSecond,
            ["speed_up_one_device"] = result.SpeedUp,
            ["joules_per_token"] = energy.Of(decoder, assets, settings.Greedy),
            ["one_device_joules_per_token"] = energy.Of(plain, assets, settings.Greedy),
            ["alpha"] = result.Alpha,
            ["accepted_share"] = result.AcceptedShare,
            ["tokens_per_run"] = result.TokensPerRun,
            ["drafts_per_token"] = result.DraftsPerToken,
            ["draft_time_share"] = result.DraftShare,
            ["text"] = Hash(result.Rounds[0].Rival.Tokens),
            ["text_identical"] = result.IsTextIdentical,
        };
    }

    /// <summary>Loads the model for a rival, on a device like one stage's.</summary>
    public RivalLoader Loader(ModelAssets assets) =>
        new(
            assets,
            StagePlan.Even(assets.Config.LayerCount, 1),
            settings.Stages,
            settings.Prompts.Max(prompt => prompt.Length) + settings.Tokens,
            clock
        );

    /// <summary>Decodes texts with drafts and without in lock-step, which gives the same acceptance and cycles in every run.</summary>
    /// <param name="hopMs">
    /// Milliseconds of a hand-over, where speed with a device for each stage is to be predicted. It is where stages share a card: their
    /// steps are then timed one at a time, since steps that run at once slow each other as they never would on cards of their own.
    /// </param>
    public DraftsBenchResult LockStep(
        ModelAssets assets,
        StagePlan plan,
        GenerationSettings generation,
        IReadOnlyList<int[]> prompts,
        CancellationToken cancellation,
        double? hopMs = null
    )
    {
        var runtimes = LockStepRuntimes.Load(
            new StageRuntimeFactory(assets, settings.Stages, plan),
            plan,
            runtime => _replay is null ? runtime : new ReplayedRuntime(runtime, _replay)
        );
        var costs =
            hopMs is { } ms && settings.Stages.SharesCards(runtimes.Count)
                ? new PipelineCosts(
                    [.. runtimes.Select(runtime => new RowCostProbe(runtime, clock).Measure())],
                    HeadStage: 0,
                    runtimes.Count,
                    ms
                )
                : null;
        using var pipeline = new LockStepPipeline(runtimes, new PipelineOptions());
        return new DraftsBench(pipeline, assets, _replay).Run(
            [.. prompts.Select(prompt => new BenchText(prompt))],
            generation,
            concurrency: 1,
            costs,
            cancellation
        );
    }

    /// <summary>A short fingerprint of texts: equal tokens give equal fingerprints.</summary>
    public static string Hash(IEnumerable<IReadOnlyList<int>> texts) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                System.Text.Encoding.ASCII.GetBytes(string.Join(';', texts.Select(text => string.Join(',', text))))
            )
        )[..12];

    private OneDeviceTexts OneDevice(ModelAssets assets, PaperEnergy energy, CancellationToken cancellation)
    {
        using var plain = Loader(assets).LoadPlain();
        var bench = new RivalBench(plain, plain, assets, replay: null);
        var result = bench.Run(settings.Prompts, settings.Greedy, 1, cancellation);
        return new OneDeviceTexts(
            Math.Max(result.PlainTokensPerSecond, result.TokensPerSecond),
            energy.Of(plain, assets, settings.Greedy),
            result.Rounds[0].Plain.Tokens
        );
    }

    /// <summary>Steps of candidates that a cancel reached, over all begun.</summary>
    private static double Doomed(DecodeBenchResult result, int stage)
    {
        var work = result.Rounds(BenchArm.Ppsd).Select(round => round.Stages[stage]).ToList();
        var cancelled = work.Sum(of => of.CancelledSteps);
        var all = cancelled + work.Sum(of => of.DecodeSteps);
        return all == 0 ? double.NaN : cancelled / (double)all;
    }

    private static JsonArray List(int count, Func<int, double> value) =>
        [.. Enumerable.Range(0, count).Select(i => (JsonNode)value(i))];

    private sealed record OneDeviceTexts(
        double TokensPerSecond,
        double JoulesPerToken,
        IReadOnlyList<IReadOnlyList<int>> Tokens
    )
    {
        public bool IsSame(IReadOnlyList<IReadOnlyList<int>> other) =>
            Tokens.Zip(other).All(pair => pair.First.SequenceEqual(pair.Second));
    }
}
