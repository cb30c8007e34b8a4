using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Snapshots;
using Ppsd.Actors.Stages;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Pipelines;

/// <summary>All stages in this process.</summary>
internal sealed class InProcessPipeline : IPipeline
{
    private readonly LocalPipeline _pipeline;

    private readonly TimeProvider _clock;

    private InProcessPipeline(LocalPipeline pipeline, TimeProvider clock)
    {
        _pipeline = pipeline;
        _clock = clock;
    }

    public PpsdClient Client => _pipeline.Client;

    public PipelineFormed Formed => _pipeline.Formed;

    /// <summary>Loads all stages, at the same time, and forms the pipeline.</summary>
    /// <param name="plan">Its stages.</param>
    /// <param name="settings">Where they go.</param>
    /// <param name="node">Settings of the protocol.</param>
    /// <param name="wrap">Puts something around each stage; null for nothing.</param>
    /// <exception cref="UserErrorException">A stage could not be loaded.</exception>
    public static async Task<InProcessPipeline> StartAsync(
        ModelAssets assets,
        StagePlan plan,
        StageSettings settings,
        NodeSettings node,
        TimeProvider clock,
        Func<IStageRuntime, IStageRuntime>? wrap = null,
        PreparedSystem? prepared = null
    )
    {
        var factory = new StageRuntimeFactory(assets, settings, plan);
        using var progress = LoadingView.Open(plan.Stages.Count, clock);
        var runtimes = plan
            .Stages.Select(
                (layers, stage) =>
                    (Func<IStageRuntime>)(
                        () =>
                        {
                            var runtime = factory.Load(
                                layers,
                                stage,
                                new StageProgress(progress, stage, layers),
                                clock
                            );
                            return wrap is null ? runtime : wrap(runtime);
                        }
                    )
            )
            .ToList();
        var config = node.Load(
            NodeRole.Local,
            $"""
            ppsd.pipeline.parallel-stages = {settings.ParallelStages(plan.Stages.Count)}
            """
        );
        try
        {
            return new InProcessPipeline(
                await LocalPipeline.StartAsync(runtimes, assets.Fingerprint, config, clock, prepared),
                clock
            );
        }
        catch (PipelineException e)
        {
            throw new UserErrorException(e.Message, e);
        }
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) => _pipeline.GetSnapshotAsync(timeout, _clock);

    public ValueTask DisposeAsync() => _pipeline.DisposeAsync();

    private sealed class StageProgress(LoadingView view, int stage, LayerRange layers) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => view.Report(stage, layers, value);
    }
}
