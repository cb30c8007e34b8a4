namespace Ppsd.Kernels.Devices.Cpu;

/// <summary><see cref="CpuSwiGlu"/> of many rows, split among threads.</summary>
internal sealed unsafe class SwiGluWork : ITeamWork
{
    /// <summary>Values from which on threads share the work; fewer are done while another would wake.</summary>
    private const int LeastShared = 1 << 13;

    private CpuActivations _gateUp = null!;
    private CpuActivations _y = null!;
    private int _rows;

    /// <summary>Computes the first rows.</summary>
    public void Run(CpuActivations gateUp, CpuActivations y, int rows, WorkerTeam team)
    {
        (_gateUp, _y, _rows) = (gateUp, y, rows);
        if (rows * y.Width < LeastShared)
        {
            Execute(0, 1);
            return;
        }

        team.Run(this);
    }

    /// <inheritdoc />
    public void Execute(int part, int parts)
    {
        var end = (int)((long)_rows * (part + 1) / parts);
        for (var row = (int)((long)_rows * part / parts); row < end; row++)
        {
            var gate = _gateUp.Row(row);
            CpuSwiGlu.Execute(gate, gate + _y.Width, _y.Row(row), _y.Width);
        }
    }
}
