namespace Ppsd.Actors.Options;

/// <summary>Says what is wrong with <see cref="PipelineOptions"/> before anything is started with them.</summary>
public static class PipelineOptionsValidator
{
    /// <summary>Throws for the first setting out of range.</summary>
    /// <exception cref="ArgumentException">One line naming the setting, what it is and what it must be.</exception>
    public static PipelineOptions Validated(PipelineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require(options.CreditWindow is >= 1 and <= 64, "credit-window", options.CreditWindow, "1 to 64");
        Require(
            options.SpeculationWindow is >= 0 and <= 256,
            "speculation-window",
            options.SpeculationWindow,
            "0 to 256"
        );
        Require(options.ParallelStages is >= 0 and <= 1024, "parallel-stages", options.ParallelStages, "0 to 1024");
        Require(options.PrefillChunk is >= 1 and <= 4096, "prefill-chunk", options.PrefillChunk, "1 to 4096");
        Require(
            options.BusyWait >= TimeSpan.Zero && options.BusyWait <= TimeSpan.FromSeconds(1),
            "busy-wait",
            options.BusyWait,
            "0 to 1 s"
        );
        Require(
            options.LinkDelay >= TimeSpan.Zero && options.LinkDelay <= TimeSpan.FromSeconds(10),
            "link-delay",
            options.LinkDelay,
            "0 to 10 s"
        );
        Require(options.StallTimeout > TimeSpan.Zero, "stall-timeout", options.StallTimeout, "more than 0");
        Require(
            options.HousekeepingInterval > TimeSpan.Zero,
            "housekeeping-interval",
            options.HousekeepingInterval,
            "more than 0"
        );
        Require(options.MaxWaitingSessions >= 0, "max-waiting-sessions", options.MaxWaitingSessions, "0 or more");
        Require(options.ReplayMemory >= 0, "replay-memory", options.ReplayMemory, "0 or more bytes");
        Require(
            options.ReplayPatience > TimeSpan.Zero && options.ReplayPatience <= TimeSpan.FromHours(1),
            "replay-patience",
            options.ReplayPatience,
            "more than 0, at most 1 h"
        );
        return options;
    }

    private static void Require(bool holds, string name, object found, string expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"ppsd.pipeline.{name}: expected {expected}, found {found}");
        }
    }
}
