namespace Ppsd.Actors.Options;

/// <summary>Settings of a pipeline's protocol; HOCON section <c>ppsd.pipeline</c>.</summary>
public sealed record PipelineOptions
{
    /// <summary>Micro-batches in flight per hop.</summary>
    public int CreditWindow { get; init; } = 4;

    /// <summary>Most positions drafted beyond the last verified token; 0 derives it from the number of stages.</summary>
    public int SpeculationWindow { get; init; }

    /// <summary>
    /// Stages that can work at the same time; 0 for all of them. Fewer where stages share processors. As many sessions fill
    /// the pipeline, and drafts no longer enter.
    /// </summary>
    public int ParallelStages { get; init; }

    /// <summary>Most prompt tokens of a micro-batch; each stage has a limit of its own as well.</summary>
    public int PrefillChunk { get; init; } = 4096;

    /// <summary>True to let the data path between processes take sockets of its own instead of remoting's.</summary>
    public bool DirectLinks { get; init; } = true;

    /// <summary>
    /// How long a stage whose device works on its own looks for messages, after it has worked, before its thread sleeps; zero
    /// to sleep at once.
    /// </summary>
    public TimeSpan BusyWait { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>What each message between stages takes longer, for benchmarks and tests of slow links.</summary>
    public TimeSpan LinkDelay { get; init; }

    /// <summary>Time without a verdict after which a session starts a new run; doubles with each vain attempt.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time between repeats of an unanswered <see cref="Messages.EndSession"/>, and between looks for stalls.</summary>
    public TimeSpan HousekeepingInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Sessions that may wait for KV pages; one more is refused.</summary>
    public int MaxWaitingSessions { get; init; } = 256;

    /// <summary>
    /// Most bytes of hidden states that a stage keeps of what it has sent, so that a stage which takes the next one's place can
    /// be sent them again; 0 to keep nothing of a session whose pipeline is gone, keys and values neither.
    /// </summary>
    public long ReplayMemory { get; init; } = 256 << 20;

    /// <summary>
    /// How long a stage keeps what it has of a session whose pipeline is gone, once another pipeline stands: whoever goes on with
    /// the text asks at once.
    /// </summary>
    public TimeSpan ReplayPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many of <paramref name="stageCount"/> stages can work at the same time.</summary>
    /// <remarks>As configured, more than there are included: then drafts enter however many sessions decode.</remarks>
    public int ParallelStagesOf(int stageCount) => ParallelStages > 0 ? ParallelStages : stageCount;

    /// <summary>True where fewer stages than <paramref name="stageCount"/> can work at the same time.</summary>
    public bool SharesProcessors(int stageCount) => ParallelStagesOf(stageCount) < stageCount;

    /// <summary>
    /// <see cref="BusyWait"/> time, or zero when there are fewer than two processors per stage (one for the stage, one
    /// for its links).
    /// </summary>
    public TimeSpan BusyWaitOf(int stageCount, int processorCount) =>
        processorCount >= 2 * stageCount ? BusyWait : TimeSpan.Zero;

    /// <summary>
    /// Share of drafts that must be confirmed for a session to go on drafting. A stage with a device of its own drafts in
    /// what would be idle time; where stages share processors, drafts take time from verified tokens.
    /// </summary>
    public double MinAcceptanceFor(int stageCount) => SharesProcessors(stageCount) ? 0.5 : 0.1;

    /// <summary>The window for a pipeline of <paramref name="stageCount"/> stages.</summary>
    /// <remarks>
    /// A full pipeline holds one position per stage; one more keeps stage 1 busy while the oldest verdict travels back.
    /// Drafting further ahead would only queue work that a rejection throws away.
    /// </remarks>
    public int WindowFor(int stageCount) => SpeculationWindow > 0 ? SpeculationWindow : stageCount + 1;
}
