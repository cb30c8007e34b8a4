using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Local;

/// <summary>Collects the figures of all stages of a pipeline.</summary>
public static class PipelineStatus
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    /// <summary>Figures of all stages, in order.</summary>
    /// <exception cref="AskTimeoutException">A stage did not answer within ten seconds.</exception>
    public static Task<StageStatus[]> AskAsync(PipelineFormed pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return Task.WhenAll(
            pipeline.Stages.Select(stage => stage.Actor.Ask<StageStatus>(new GetStageStatus(), _timeout))
        );
    }
}
