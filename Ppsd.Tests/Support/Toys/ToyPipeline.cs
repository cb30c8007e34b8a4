using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Tests.Support.Toys;

/// <summary>A local pipeline of toy runtimes, and what a generation on it gave.</summary>
internal sealed class ToyPipeline : IAsyncDisposable
{
    private readonly LocalPipeline _pipeline;

    private ToyPipeline(LocalPipeline pipeline, ToyModel model)
    {
        _pipeline = pipeline;
        Model = model;
    }

    public ToyModel Model { get; }

    public PpsdClient Client => _pipeline.Client;

    public static async Task<ToyPipeline> StartAsync(
        int stageCount,
        ToyDrafter drafter,
        int headStage = 0,
        int pageCount = 1000,
        Action<int, IReadOnlyList<BatchPart>>? onForward = null,
        string hocon = "",
        int vocabSize = 6,
        bool recovers = true,
        int draftDepth = 1,
        int maxWidth = 8
    )
    {
        var model = new ToyModel(vocabSize);
        var runtimes = Enumerable
            .Range(0, stageCount)
            .Select(stage =>
                (Func<Ppsd.Actors.Stages.IStageRuntime>)(
                    () =>
                        new ToyRuntime(
                            model,
                            stage,
                            stageCount,
                            stage == headStage ? drafter : null,
                            pageCount,
                            onForward: onForward is null ? null : parts => onForward(stage, parts),
                            recovers: recovers,
                            draftDepth: draftDepth,
                            maxWidth: maxWidth
                        )
                )
            )
            .ToList();
        var config = PpsdConfig.Load(NodeRole.Local, overrides: hocon);
        return new ToyPipeline(await LocalPipeline.StartAsync(runtimes, "", config, TimeProvider.System), model);
    }

    public Task<StageStatus[]> StatusAsync() => _pipeline.StatusAsync();

    public Task<ClusterSnapshot> SnapshotAsync(TimeSpan timeout) =>
        _pipeline.GetSnapshotAsync(timeout, TimeProvider.System);

    public static StartSession Request(
        IEnumerable<int> prompt,
        int maxTokens,
        DraftSources drafts = DraftSources.ExitHead,
        SamplingSettings? sampling = null,
        int maxWidth = 1,
        params int[] endTokens
    ) =>
        new()
        {
            Prompt = [.. prompt.Select(token => new TokenId(token))],
            MaxTokens = maxTokens,
            EndTokens = [.. endTokens.Select(token => new TokenId(token))],
            Drafts = drafts,
            Sampling = sampling ?? SamplingSettings.Greedy,
            MaxWidth = maxWidth,
        };

    public Task<GenerationResult> RunAsync(StartSession request) => Client.RunAsync(request);

    /// <summary>Waits until every stage has freed every page; fails when one does not within ten seconds.</summary>
    public async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var status = await StatusAsync();
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0, QueueLength: 0, SentRowBytes: 0 }))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("pages or sessions are still held after ten seconds");
    }

    public ValueTask DisposeAsync() => _pipeline.DisposeAsync();
}

internal sealed record GenerationResult(
    List<TokenId> Tokens,
    List<TokenLogprobs> Logprobs,
    FinishReason Reason,
    SessionStats Stats
);

internal static class ClientRuns
{
    /// <summary>Runs a generation to its end, or asks it to end once it has so many tokens.</summary>
    public static async Task<GenerationResult> RunAsync(
        this PpsdClient client,
        StartSession request,
        int stopAfter = int.MaxValue
    )
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var tokens = new List<TokenId>();
        var logprobs = new List<TokenLogprobs>();
        var generation = client.Start(request);
        await foreach (var next in generation.Events(timeout.Token))
        {
            switch (next)
            {
                case TokensGenerated generated:
                    tokens.AddRange(generated.Tokens);
                    logprobs.AddRange(generated.Logprobs ?? []);
                    if (tokens.Count >= stopAfter)
                    {
                        generation.Stop();
                    }

                    break;
                case GenerationEnded ended:
                    return new GenerationResult(tokens, logprobs, ended.Reason, ended.Stats);
                default:
                    break;
            }
        }

        throw new InvalidOperationException("the events ended without an end");
    }
}
