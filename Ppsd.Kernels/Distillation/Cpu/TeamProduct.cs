using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// Products of any size on a team of threads. Threads claim blocks of rows as they come free, so a thread that the system
/// has put aside delays one block; who computes a block does not change its bits.
/// </summary>
internal sealed unsafe class TeamProduct : ITeamWork, IDisposable
{
    /// <summary>Bytes a right operand may take when it is packed for one product.</summary>
    private const long MaxPackedBytes = 64 << 20;

    private readonly WorkerTeam _team;
    private readonly BlockProduct[] _blocks;
    private readonly PackedOperand _scratch;
    private readonly Packing _packing = new();
    private Operand _left;
    private int _rows;
    private int _depth;
    private PackedOperand _right = null!;
    private float* _c;
    private long _stride;
    private bool _adds;
    private int _blockRows;
    private int _nextBlock;

    public TeamProduct(WorkerTeam team, MemoryTally tally)
    {
        _team = team;
        _scratch = new PackedOperand(tally);
        _blocks = [.. Enumerable.Range(0, team.Size).Select(_ => new BlockProduct(tally))];
    }

    /// <summary>A thread's own block product.</summary>
    public BlockProduct Block(int part) => _blocks[part];

    /// <summary>Packs a right operand on all threads.</summary>
    public void Pack(Operand source, int count, int depth, PackedOperand target)
    {
        target.Reshape(count, depth);
        _packing.Prepare(source, target);
        _team.Run(_packing);
    }

    /// <summary>C[rows, right.Count] = (adds ? C : 0) + left right^T.</summary>
    public void Execute(Operand left, int rows, PackedOperand right, float* c, long stride, bool adds)
    {
        _left = left;
        _rows = rows;
        _depth = right.Depth;
        _right = right;
        _c = c;
        _stride = stride;
        _adds = adds;

        // About four blocks a thread: fewer and threads wait for the last one, more and right panels are read more often.
        var share = (rows + 4 * _team.Size - 1) / (4 * _team.Size);
        _blockRows = Math.Clamp(
            (share + PanelProduct.Rows - 1) / PanelProduct.Rows * PanelProduct.Rows,
            2 * PanelProduct.Rows,
            BlockProduct.MaxRows
        );
        _nextBlock = 0;
        _team.Run(this);
    }

    /// <summary>The same with a right operand that is packed for this product alone.</summary>
    public void Execute(Operand left, int rows, Operand right, int count, int depth, float* c, long stride, bool adds)
    {
        var step = ColumnsAtOnce(count, depth);
        for (var column = 0; column < count; column += step)
        {
            Pack(right.From(column, 0), Math.Min(step, count - column), depth, _scratch);
            Execute(left, rows, _scratch, c + column, stride, adds);
        }
    }

    /// <summary>Outer values of a right operand that are packed at a time for one product.</summary>
    public static int ColumnsAtOnce(int count, int depth)
    {
        var columns = MaxPackedBytes / sizeof(float) / Math.Max(1, depth);
        return (int)
            Math.Min(count, Math.Max(PanelProduct.Columns, columns / PanelProduct.Columns * PanelProduct.Columns));
    }

    void ITeamWork.Execute(int part, int parts)
    {
        while (true)
        {
            var row = (Interlocked.Increment(ref _nextBlock) - 1) * _blockRows;
            if (row >= _rows)
            {
                return;
            }

            _blocks[part]
                .Execute(
                    _left.From(row, 0),
                    Math.Min(_blockRows, _rows - row),
                    _right,
                    0,
                    _depth,
                    _right.Count,
                    _c + row * _stride,
                    _stride,
                    _adds
                );
        }
    }

    public void Dispose()
    {
        _scratch.Dispose();
        Array.ForEach(_blocks, block => block.Dispose());
    }

    private sealed class Packing : ITeamWork
    {
        private Operand _source;
        private PackedOperand _target = null!;

        public void Prepare(Operand source, PackedOperand target)
        {
            _source = source;
            _target = target;
        }

        public void Execute(int part, int parts)
        {
            for (var panel = part; panel < _target.PanelCount; panel += parts)
            {
                _target.PackPanel(_source, panel);
            }
        }
    }
}
