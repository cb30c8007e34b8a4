using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// Attention over whole sequences and its gradient. The unit of work is a sequence and a key/value head: its keys and
/// values are packed once, then blocks of <see cref="BlockRows"/> queries meet all keys up to their own rows, so that
/// <c>BlockRows x T</c> scores are the most ever kept, never T x T. Threads claim units; each unit's results are its own.
/// </summary>
internal sealed unsafe partial class AttentionWork : ITeamWork, IDisposable
{
    /// <summary>Queries that share a pass over the keys.</summary>
    public const int BlockRows = 4 * PanelProduct.Rows;

    private readonly WorkerTeam _team;
    private readonly CpuAttentionScratch[] _scratch;
    private AttentionShape _shape;
    private int[] _starts = [];
    private int _window;
    private CpuActivations[] _steps = [];
    private CpuActivations[] _gradients = [];
    private CpuActivations _y = null!;
    private CpuActivations _logSums = null!;
    private CpuActivations? _dy;
    private int _nextUnit;

    public AttentionWork(WorkerTeam team, TeamProduct products, MemoryTally tally)
    {
        _team = team;
        _scratch =
        [
            .. Enumerable.Range(0, team.Size).Select(part => new CpuAttentionScratch(products.Block(part), tally)),
        ];
    }

    /// <summary>Runs the forward operation, or the gradient if <paramref name="dy"/> is given.</summary>
    public void Run(
        CpuActivations[] steps,
        AttentionShape shape,
        int[] starts,
        int window,
        CpuActivations y,
        CpuActivations logSums,
        CpuActivations? dy,
        CpuActivations[] gradients
    )
    {
        _steps = steps;
        _shape = shape;
        _starts = starts;
        _window = window;
        _y = y;
        _logSums = logSums;
        _dy = dy;
        _gradients = gradients;
        _nextUnit = 0;
        _team.Run(this);
    }

    void ITeamWork.Execute(int part, int parts)
    {
        var units = (_starts.Length - 1) * _shape.KvHeadCount;
        int unit;
        while ((unit = Interlocked.Increment(ref _nextUnit) - 1) < units)
        {
            var sequence = unit / _shape.KvHeadCount;
            var first = _starts[sequence];
            var length = _starts[sequence + 1] - first;
            if (_dy is null)
            {
                Forward(_scratch[part], first, length, unit % _shape.KvHeadCount);
            }
            else
            {
                Backward(_scratch[part], first, length, unit % _shape.KvHeadCount);
            }
        }
    }

    public void Dispose() => Array.ForEach(_scratch, scratch => scratch.Dispose());

    private void Forward(CpuAttentionScratch scratch, int first, int length, int kvHead)
    {
        var size = _shape.HeadSize;
        var keyColumn = _shape.QueryWidth + kvHead * size;
        var valueColumn = keyColumn + _shape.KvWidth;
        var main = _steps[0];
        scratch.Resize(BlockRows, length);
        scratch.Keys.Pack(new Operand(main.Row(first) + keyColumn, main.Stride, 1), length, size);
        scratch.Values.Pack(new Operand(main.Row(first) + valueColumn, 1, main.Stride), size, length);
        for (var start = 0; start < length; start += BlockRows)
        {
            var rows = Math.Min(BlockRows, length - start);
            for (var i = 0; i < _shape.GroupSize; i++)
            {
                var head = kvHead * _shape.GroupSize + i;
                Scores(scratch, first, start, rows, head, kvHead);
                Softmax(scratch, first + start, start, rows, head);
                var y = _y.Row(first + start) + head * size;
                scratch.Product.Execute(
                    new Operand(scratch.Scores, scratch.ScoreStride, 1),
                    rows,
                    scratch.Values,
                    0,
                    start + rows,
                    size,
                    y,
                    _y.Stride,
                    adds: false
                );
                AddOwnValues(scratch, first + start, rows, y, valueColumn);
            }
        }
    }

    /// <summary>Scaled scores of a block of queries with all keys up to the block's last row, and with their own steps' keys.</summary>
    private void Scores(CpuAttentionScratch scratch, int first, int start, int rows, int head, int kvHead)
    {
        var size = _shape.HeadSize;
        var last = _steps[^1];
        var queries = last.Row(first + start) + head * size;
        scratch.Product.Execute(
            new Operand(queries, last.Stride, 1),
            rows,
            scratch.Keys,
            0,
            size,
            WholePanels(start + rows),
            scratch.Scores,
            scratch.ScoreStride,
            adds: false
        );
        var keyColumn = _shape.QueryWidth + kvHead * size;
        for (var step = 1; step < _steps.Length; step++)
        {
            for (var row = 0; row < rows; row++)
            {
                scratch.Own(row)[step - 1] =
                    _shape.Scale
                    * RowMath.Dot(
                        queries + (long)row * last.Stride,
                        _steps[step].Row(first + start + row) + keyColumn,
                        size
                    );
            }
        }
    }

    /// <summary>First key of its sequence that a row sees. Rows of later steps stand that much further on.</summary>
    private int FirstKey(int row) => (int)Math.Max(0L, (long)row + _steps.Length - _window);

    /// <summary>Turns a block's scores into probabilities, zeros before each row's window and beyond its own position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Softmax(CpuAttentionScratch scratch, int firstRow, int start, int rows, int head)
    {
        var scale = Vector512.Create(_shape.Scale);
        var own = _steps.Length - 1;
        for (var row = 0; row < rows; row++)
        {
            var scores = scratch.Scores + row * scratch.ScoreStride;
            var count = start + row + 1;
            var firstKey = FirstKey(start + row);
            var max = RowMath.Max(scores + firstKey, count - firstKey) * _shape.Scale;
            var ownScores = scratch.Own(row);
            for (var step = 0; step < own; step++)
            {
                max = MathF.Max(max, ownScores[step]);
            }

            var shift = Vector512.Create(max);
            var padded = Lanes.RoundUp(count);
            for (var i = 0; i < padded; i += Lanes.Count)
            {
                VectorMath.Exp(Vector512.Load(scores + i) * scale - shift).Store(scores + i);
            }

            // Lanes beyond the row's own position hold exp of nothing: cleared, so that the product with values may read them.
            scratch.ClearBeyond(row, count, start + rows);
            new Span<float>(scores, firstKey).Clear();
            var sum = RowMath.SumOf(scores, count);
            for (var step = 0; step < own; step++)
            {
                ownScores[step] = VectorMath.Exp(ownScores[step] - max);
                sum += ownScores[step];
            }

            _logSums.Row(firstRow + row)[head] = max + MathF.Log(sum);
            RowMath.Scale(scores, padded, 1 / sum);
            for (var step = 0; step < own; step++)
            {
                ownScores[step] /= sum;
            }
        }
    }

    /// <summary>Rows of scores have room for whole panels of keys, and a whole panel needs no detour over an edge.</summary>
    private static int WholePanels(int keys) =>
        (keys + PanelProduct.Columns - 1) / PanelProduct.Columns * PanelProduct.Columns;

    private void AddOwnValues(CpuAttentionScratch scratch, int firstRow, int rows, float* y, int valueColumn)
    {
        for (var step = 1; step < _steps.Length; step++)
        {
            for (var row = 0; row < rows; row++)
            {
                RowMath.AddScaled(
                    y + (long)row * _y.Stride,
                    _steps[step].Row(firstRow + row) + valueColumn,
                    scratch.Own(row)[step - 1],
                    _shape.HeadSize
                );
            }
        }
    }
}
