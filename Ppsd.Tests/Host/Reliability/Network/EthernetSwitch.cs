using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;

namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>
/// Copies Ethernet frames between hosts, by what the link of each two does just now: loses, delays, reorders, in each direction
/// for itself. A thread for each host, and one for frames that are under way. Rules may be set by any thread.
/// </summary>
internal sealed class EthernetSwitch : IDisposable
{
    private const int AddressLength = 6;

    /// <summary>Frames that may be under way at once; more are lost, as a full queue of a switch loses them.</summary>
    private const int MostUnderWay = 10_000;

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(200);

    private readonly TapDevice[] _hosts;
    private readonly LinkDirection[,] _links;
    private readonly ConcurrentDictionary<ulong, int> _homes = new();
    private readonly PriorityQueue<(int To, byte[] Frame), (TimeSpan Arrival, long Number)> _underWay = new();
    private readonly Lock _linkLock = new();
    private readonly object _wayLock = new();
    private readonly long _began = Stopwatch.GetTimestamp();
    private readonly List<Thread> _threads;
    private long _number;
    private volatile bool _isDisposed;

    /// <summary>Starts.</summary>
    /// <param name="hosts">What the hosts are reached by; the switch's own from now on.</param>
    /// <param name="seed">Of what happens to frames.</param>
    public EthernetSwitch(IReadOnlyList<TapDevice> hosts, int seed)
    {
        _hosts = [.. hosts];
        _links = new LinkDirection[_hosts.Length, _hosts.Length];
        for (var from = 0; from < _hosts.Length; from++)
        {
            for (var to = 0; to < _hosts.Length; to++)
            {
                _links[from, to] = new LinkDirection(new Random(HashCode(seed, from, to)));
            }
        }

        _threads =
        [
            .. _hosts.Select((_, host) => new Thread(() => ReadFrom(host)) { Name = $"switch-{host}" }),
            new Thread(DeliverLate) { Name = "switch-late" },
        ];
        _threads.ForEach(thread =>
        {
            thread.IsBackground = true;
            thread.Start();
        });
    }

    /// <summary>Says what becomes of frames from one host to another from now on.</summary>
    public void Set(int from, int to, LinkRule rule)
    {
        lock (_linkLock)
        {
            _links[from, to].Rule = rule;
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        lock (_wayLock)
        {
            Monitor.PulseAll(_wayLock);
        }

        _threads.ForEach(thread => thread.Join());
        Array.ForEach(_hosts, host => host.Dispose());
    }

    /// <summary>The same in every process, unlike <see cref="System.HashCode"/>.</summary>
    private static int HashCode(int seed, int from, int to) => unchecked((((seed * 31) + from) * 31) + to);

    private static ulong AddressAt(ReadOnlySpan<byte> frame, int offset) =>
        BinaryPrimitives.ReadUInt64BigEndian(frame[offset..]) >> 16;

    private void ReadFrom(int host)
    {
        Span<byte> buffer = stackalloc byte[TapDevice.MaxFrame];
        while (!_isDisposed)
        {
            var length = _hosts[host].Read(buffer, _look);
            if (length <= 2 * AddressLength + 2)
            {
                continue;
            }

            var frame = buffer[..length];
            _homes[AddressAt(frame, AddressLength)] = host;
            if (_homes.TryGetValue(AddressAt(frame, 0), out var home))
            {
                Pass(host, home, frame);
                continue;
            }

            // To everybody, or to one who has not said anything yet.
            for (var to = 0; to < _hosts.Length; to++)
            {
                Pass(host, to, frame);
            }
        }
    }

    private void Pass(int from, int to, ReadOnlySpan<byte> frame)
    {
        if (from == to)
        {
            return;
        }

        TimeSpan? arrival;
        TimeSpan now;
        lock (_linkLock)
        {
            now = Stopwatch.GetElapsedTime(_began);
            arrival = _links[from, to].ArrivalOf(now);
        }

        if (arrival <= now)
        {
            _hosts[to].Write(frame);
        }
        else if (arrival is { } late)
        {
            lock (_wayLock)
            {
                if (_underWay.Count < MostUnderWay)
                {
                    _underWay.Enqueue((to, frame.ToArray()), (late, _number++));
                    Monitor.Pulse(_wayLock);
                }
            }
        }
    }

    private void DeliverLate()
    {
        while (!_isDisposed)
        {
            (int To, byte[] Frame) due;
            lock (_wayLock)
            {
                var wait = _underWay.TryPeek(out _, out var next)
                    ? next.Arrival - Stopwatch.GetElapsedTime(_began)
                    : Timeout.InfiniteTimeSpan;
                if (wait == Timeout.InfiniteTimeSpan || wait > TimeSpan.Zero)
                {
                    // Rounded up: a wait of no time would turn in circles.
                    Monitor.Wait(_wayLock, wait == Timeout.InfiniteTimeSpan ? -1 : (int)wait.TotalMilliseconds + 1);
                    continue;
                }

                due = _underWay.Dequeue();
            }

            _hosts[due.To].Write(due.Frame);
        }
    }
}
