namespace Ppsd.Kernels.Devices.Cpu;

/// <summary><see cref="CpuSwiGlu"/> of many rows, split among threads.</summary>
internal sealed unsafe class SwiGluWork : ITeamWork
{
    /// <summary>Values from which on threads share the work.</summary>
    private const int LeastShared = 1 << 13;

    private CpuActivations _gateUp = null!;
    private CpuActivations _y = null!;
    private int _rows;

    /// <summary>Computes the first rows.</summary>
    public void Run(CpuActivations gateUp, CpuActivations y, int rows, WorkerTeam team)
    {
        (_gateUp, _y, _rows) = (gateUp, y, rows);
        team.Run(this, isSmall: rows * y.Width < LeastShared);
    }

    /// <inheritdoc />
    public void Execute(int part, int parts)
    {
        var (first, end) = WorkerTeam.Share(_rows, part, parts);
        for (var row = first; row < end; row++)
        {
            var gate = _gateUp.Row(row);
            CpuSwiGlu.Execute(gate, gate + _y.Width, _y.Row(row), _y.Width);
        }
    }
}
