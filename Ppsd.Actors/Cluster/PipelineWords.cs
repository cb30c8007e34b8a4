using Akka.Actor;

namespace Ppsd.Actors.Cluster;

/// <summary>How a pipeline stands, in words: what a user reads who asks why nothing is served. Pure.</summary>
internal sealed class PipelineWords(PipelineFormation formation, OfferedNodes nodes)
{
    /// <summary>All of it, in one line.</summary>
    /// <param name="stagesNeeded">Stages of the whole pipeline.</param>
    /// <param name="suspect">A node that a suspended pipeline waits for.</param>
    /// <param name="leaving">A node of the pipeline that is to leave it.</param>
    /// <param name="trouble">What happened last.</param>
    public string Explain(int stagesNeeded, IActorRef? suspect, IActorRef? leaving, string? trouble)
    {
        if (suspect is not null)
        {
            return $"{Describe(suspect)}; requests wait for it, or for another node to take its place";
        }

        if (formation.Formed is { } formed)
        {
            var count = formed.Stages.Length;
            return leaving is null
                ? $"the pipeline stands: {count} stages" + (count < stagesNeeded ? $" of {stagesNeeded}" : "")
                : $"{Name(leaving)} is leaving; new requests wait until its sessions have ended and another node takes "
                    + "its place";
        }

        return (trouble is null ? "" : trouble + "; ")
            + (formation.HasBegun ? $"stages are loading: {formation.Progress}" : nodes.Missing(stagesNeeded));
    }

    /// <summary>A stage's host, by its number and address.</summary>
    public string Name(IActorRef host) => $"stage {formation.NumberOf(host)} at {host.Path.Address}";

    /// <summary>A stage's host, and why it may be dead.</summary>
    public string Describe(IActorRef suspect) => $"{Name(suspect)} {nodes.SuspicionOf(suspect)}";
}
