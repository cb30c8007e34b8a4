using System.Runtime;

namespace Ppsd.Host.Bench;

/// <summary>
/// Runs a benchmark's work uncounted until its code is compiled code. The runtime compiles hot methods twice more in the
/// background, on the processors that are measured: a tenth of two cores for the first fifteen seconds of a server.
/// </summary>
/// <param name="compilationTime">Time the runtime has spent compiling so far.</param>
internal sealed class WarmUp(TimeProvider clock, Func<TimeSpan> compilationTime)
{
    /// <summary>Rounds after which measuring begins whatever is still being compiled.</summary>
    public const int MaxRounds = 8;

    private const double SettledShare = 0.05;

    /// <summary>Creates it for this process.</summary>
    public WarmUp(TimeProvider clock)
        : this(clock, () => JitInfo.GetCompilationTime()) { }

    /// <summary>Repeats rounds until one has hardly anything compiled.</summary>
    /// <returns>Rounds run.</returns>
    public async Task<int> RunAsync(Func<Task> round)
    {
        for (var rounds = 1; ; rounds++)
        {
            var compiledBefore = compilationTime();
            var started = clock.GetTimestamp();
            await round();
            var compiled = compilationTime() - compiledBefore;
            if (rounds == MaxRounds || compiled < SettledShare * clock.GetElapsedTime(started))
            {
                return rounds;
            }
        }
    }
}
