namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>One operation that a <see cref="WorkerTeam"/> splits into parts.</summary>
internal interface ITeamWork
{
    /// <summary>Does part <paramref name="part"/> of <paramref name="parts"/>; parts run at the same time.</summary>
    void Execute(int part, int parts);
}

/// <summary>
/// The threads of one stage: the caller and <c>size - 1</c> helpers that the team owns, so that stages sharing a
/// machine never compete for a common pool. Running threads claim the next part, so a descheduled helper does not delay
/// the others. A helper spins briefly for the next operation, since the operations of a layer follow within
/// microseconds, and then sleeps. One caller at a time.
/// </summary>
internal sealed class WorkerTeam : IDisposable
{
    private const int SpinsBeforeSleep = 2_000;

    private readonly Thread[] _helpers;
    private readonly SemaphoreSlim[] _wakeUps;
    private readonly int[] _asleep;
    private ITeamWork? _work;
    private long _ticket;
    private int _remaining;
    private volatile bool _stopped;

    public WorkerTeam(int size, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        Size = size;

        // No operation yet: every part is claimed.
        _ticket = size;
        _helpers = new Thread[size - 1];
        _wakeUps = new SemaphoreSlim[size - 1];
        _asleep = new int[size - 1];
        for (var i = 0; i < _helpers.Length; i++)
        {
            var helper = i;
            _wakeUps[i] = new SemaphoreSlim(0);
            _helpers[i] = new Thread(() => Help(helper)) { IsBackground = true, Name = $"{name}-helper-{i + 1}" };
            _helpers[i].Start();
        }
    }

    /// <summary>Threads, the caller included.</summary>
    public int Size { get; }

    /// <summary>A part's share of units: the first, and the one behind the last.</summary>
    public static (int First, int End) Share(int units, int part, int parts) =>
        ((int)((long)units * part / parts), (int)((long)units * (part + 1) / parts));

    /// <summary>Runs all parts and returns when the last is done. Allocates nothing.</summary>
    /// <param name="work">The operation.</param>
    /// <param name="isSmall">True where the caller is done before a helper would wake: it does the operation alone.</param>
    public void Run(ITeamWork work, bool isSmall = false)
    {
        if (isSmall || _helpers.Length == 0)
        {
            work.Execute(0, 1);
            return;
        }

        _work = work;
        Volatile.Write(ref _remaining, Size);

        // The ticket is raised last, so that a thread that claims a part also sees the work and the count.
        var operation = Operation(Volatile.Read(ref _ticket)) + 1;
        Interlocked.Exchange(ref _ticket, (long)operation << 32);
        WakeSleepers();
        WorkOn(operation);
        var spinner = new SpinWait();
        while (Volatile.Read(ref _remaining) != 0)
        {
            // Only parts that a helper has begun are missing. SpinOnce yields the core after a few rounds: a helper
            // that shares it must be able to finish.
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void Dispose()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        for (var i = 0; i < _helpers.Length; i++)
        {
            _wakeUps[i].Release();
            _helpers[i].Join();
            _wakeUps[i].Dispose();
        }
    }

    /// <summary>The ticket holds the operation's number above and the next unclaimed part below.</summary>
    private static int Operation(long ticket) => (int)(ticket >> 32);

    private void WorkOn(int operation)
    {
        while (true)
        {
            var ticket = Volatile.Read(ref _ticket);
            var part = (int)ticket;
            if (Operation(ticket) != operation || part == Size)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref _ticket, ticket + 1, ticket) == ticket)
            {
                _work!.Execute(part, Size);
                Interlocked.Decrement(ref _remaining);
            }
        }
    }

    private void WakeSleepers()
    {
        for (var i = 0; i < _helpers.Length; i++)
        {
            if (Interlocked.Exchange(ref _asleep[i], 0) == 1)
            {
                _wakeUps[i].Release();
            }
        }
    }

    private void Help(int helper)
    {
        var seen = 0;
        while (!_stopped)
        {
            seen = AwaitNext(helper, seen);
            WorkOn(seen);
        }
    }

    private int AwaitNext(int helper, int seen)
    {
        for (var spins = 0; spins < SpinsBeforeSleep && !_stopped; spins++)
        {
            var operation = Operation(Volatile.Read(ref _ticket));
            if (operation != seen)
            {
                return operation;
            }

            Thread.SpinWait(8);
        }

        // Announce first, look again second: a caller that raises the ticket between the two sees the flag and releases
        // the semaphore, so the wake-up cannot be lost. A release that was not needed only costs one more look.
        Interlocked.Exchange(ref _asleep[helper], 1);
        if (Operation(Volatile.Read(ref _ticket)) == seen && !_stopped)
        {
            _wakeUps[helper].Wait();
        }

        return Operation(Volatile.Read(ref _ticket));
    }
}
