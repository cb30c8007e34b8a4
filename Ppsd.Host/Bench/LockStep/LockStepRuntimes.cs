using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>Loads the stages of a <see cref="LockStepPipeline"/>.</summary>
internal static class LockStepRuntimes
{
    /// <summary>Loads all at the same time, as a pipeline does: on a card most of a start is compiling kernels.</summary>
    /// <param name="wrap">Puts something around each stage.</param>
    /// <returns>In the stages' order. Where one cannot be loaded the others are freed.</returns>
    public static IReadOnlyList<IStageRuntime> Load(
        StageRuntimeFactory factory,
        StagePlan plan,
        Func<IStageRuntime, IStageRuntime> wrap
    )
    {
        var runtimes = new IStageRuntime?[plan.Stages.Count];
        var loading = plan.Stages.Select(
            (layers, stage) => Task.Run(() => runtimes[stage] = wrap(factory.Load(layers, stage)))
        );
        try
        {
            return Task.WhenAll(loading).GetAwaiter().GetResult()!;
        }
        catch
        {
            Array.ForEach(runtimes, runtime => runtime?.Dispose());
            throw;
        }
    }
}
