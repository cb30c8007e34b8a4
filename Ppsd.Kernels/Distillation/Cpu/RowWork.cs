using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// Runs an operation over rows on all threads of a team, a chunk of <see cref="ChunkRows"/> rows at a time. Chunks are the
/// same however many threads there are, so sums kept per chunk and added in chunk order have the same bits.
/// </summary>
internal sealed class RowWork(WorkerTeam team) : ITeamWork
{
    /// <summary>Rows of a chunk.</summary>
    public const int ChunkRows = 32;

    private Action<int, int> _chunk = null!;
    private int _rows;
    private int _next;

    /// <summary>Chunks of so many rows.</summary>
    public static int Chunks(int rows) => (rows + ChunkRows - 1) / ChunkRows;

    /// <summary>Calls <paramref name="chunk"/> with first row and end of each chunk.</summary>
    public void Run(int rows, Action<int, int> chunk)
    {
        _rows = rows;
        _chunk = chunk;
        _next = 0;
        team.Run(this);
    }

    void ITeamWork.Execute(int part, int parts)
    {
        int chunk;
        while ((chunk = Interlocked.Increment(ref _next) - 1) < Chunks(_rows))
        {
            _chunk(chunk * ChunkRows, Math.Min(_rows, (chunk + 1) * ChunkRows));
        }
    }
}
