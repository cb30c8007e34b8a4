using System.Diagnostics;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>Measures how fast this machine's memory can be read: the ceiling of decoding at batch 1.</summary>
public static unsafe class MemoryBandwidth
{
    private const long BufferBytes = 512L << 20;
    private const int Repetitions = 5;

    /// <summary>Bytes per second that <paramref name="threads"/> threads read from a buffer far larger than the caches; the best of five passes.</summary>
    public static double Measure(int threads)
    {
        using var team = new WorkerTeam(threads, "bandwidth");
        using var buffer = new AlignedMemory(BufferBytes);
        new Span<byte>(buffer.Pointer, int.MaxValue < BufferBytes ? int.MaxValue : (int)BufferBytes).Fill(1);
        var work = new Reading(buffer);
        var best = 0.0;
        for (var i = 0; i < Repetitions; i++)
        {
            var start = Stopwatch.GetTimestamp();
            team.Run(work);
            best = Math.Max(best, BufferBytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private sealed class Reading(AlignedMemory buffer) : ITeamWork
    {
        private long _sink;

        [System.Runtime.CompilerServices.MethodImpl(
            System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization
        )]
        public void Execute(int part, int parts)
        {
            var vectors = buffer.ByteCount / sizeof(Vector512<long>);
            var at = (Vector512<long>*)buffer.Pointer + vectors * part / parts;
            var end = (Vector512<long>*)buffer.Pointer + vectors * (part + 1) / parts;
            Vector512<long> a = default,
                b = default,
                c = default,
                d = default;
            for (; at + 4 <= end; at += 4)
            {
                a ^= at[0];
                b ^= at[1];
                c ^= at[2];
                d ^= at[3];
            }

            // The result must leave the method, or the reads would be optimised away.
            Interlocked.Add(ref _sink, Vector512.Sum(a ^ b ^ c ^ d));
        }
    }
}
