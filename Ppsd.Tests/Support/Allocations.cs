namespace Ppsd.Tests.Support;

/// <summary>What code allocates on its own thread.</summary>
internal static class Allocations
{
    private const int Rounds = 5;

    /// <summary>
    /// Bytes that an action allocates, the least of a few times: a collection that another test causes meanwhile takes the
    /// rest of the thread's allocation buffer, and the counter moves by it.
    /// </summary>
    public static long LeastOf(Action action)
    {
        var least = long.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
