using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// The processor as a device: bf16 or fp32 weights packed for 512-bit vectors, fp32 activations and KV cache, and
/// threads owned by the stage. Work is done when a call returns.
/// </summary>
public sealed unsafe class CpuBackend : Backend
{
    private readonly WorkerTeam _team;
    private readonly MatMulWork _matMul = new();
    private readonly RowPanels _panels = new();
    private readonly SwiGluWork _swiGlu = new();
    private readonly AttentionWork _attention;
    private StepBatch _batch = new(0);
    private StepBatch _step = new(0);
    private IReadOnlyList<StepBatch> _chain = [];
    private float[] _collected = [];
    private int _collectedCount;

    /// <summary>Creates the device.</summary>
    /// <param name="threads">Threads per operation, the stage's own included; at least 1.</param>
    /// <param name="stageName">Names the threads, for profilers.</param>
    public CpuBackend(int threads, string stageName = "stage")
    {
        _team = new WorkerTeam(threads, stageName);
        _attention = new AttentionWork(threads);
    }

    /// <summary>True when this processor has 512-bit vectors; without them the same bits take longer.</summary>
    public static bool HasWideVectors => Vector512.IsHardwareAccelerated;

    /// <inheritdoc />
    public override string Name => "cpu";

    /// <inheritdoc />
    public override string Description =>
        $"{_team.Size} thread{(_team.Size == 1 ? "" : "s")}, {(HasWideVectors ? "512" : "256")}-bit vectors";

    internal override int KvElementBytes => sizeof(float);

    internal override bool IsQueued => false;

    internal override long KvCacheBytesFor(long kvValuesPerToken, DeviceShare share) => 512L << 20;

    internal override Activations AllocateActivations(int rows, int width) => new CpuActivations(rows, width);

    internal override Activations AllocateProductInput(int rows, int width) => AllocateActivations(rows, width);

    internal override NormedRows AllocateNormed(int rows, int width) => new CpuNormedRows(rows, width);

    internal override KvMemory AllocateKv(KvShape shape) => new CpuKvMemory(shape);

    internal override ListedLogits AllocateListed(int rows, int vocabSize, ReadOnlySpan<int> tokens) =>
        new CpuListedLogits(rows, tokens.ToArray());

    internal override WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked)
    {
        var rows = 0;
        var elementType = ElementType.BFloat16;
        foreach (var weight in stacked)
        {
            rows += checked((int)weight.RowCount);
            elementType = weight.ElementType == ElementType.BFloat16 ? elementType : ElementType.Float32;
        }

        var columns = checked((int)stacked[0].RowLength);
        var matrix = new CpuMatrix(rows, columns, elementType);
        var single = new float[columns];
        var row = 0;
        foreach (var weight in stacked)
        {
            for (var r = 0; r < weight.RowCount; r++, row++)
            {
                if (matrix.IsBFloat16 && weight.TryGetRow(r, out var bytes))
                {
                    matrix.PackBFloat16(row, bytes);
                    continue;
                }

                weight.ReadRow(r, single);
                matrix.PackFloat32(row, single);
            }
        }

        return matrix;
    }

    internal override WeightMatrix LoadGateUp(Weight gate, Weight up) => LoadMatrix(gate, up);

    internal override WeightVector LoadVector(Weight weight)
    {
        var vector = new CpuVector(checked((int)weight.RowLength));
        weight.ReadRow(0, new Span<float>(vector.Data, vector.Length));
        return vector;
    }

    internal override RotaryMemory LoadRotary(RotaryTable table) => new CpuRotaryTable(table);

    internal override void BeginStep(StepBatch batch) => _batch = _step = batch;

    internal override void BeginChain(IReadOnlyList<StepBatch> steps) => _chain = steps;

    internal override void UseRows(int chainStep) => _batch = chainStep == 0 ? _step : _chain[chainStep - 1];

    internal override long CacheBytes => 32L << 20;

    internal override double MeasureMs(Action operations)
    {
        const int Rounds = 7;
        operations();
        var ms = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            operations();
            ms[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return Spread.Median(ms);
    }

    internal override ReadOnlySpan<float> Collected => _collected.AsSpan(0, _collectedCount);

    internal override void BeginDownload(Activations source, int rows)
    {
        _collectedCount = rows * source.Width;
        if (_collected.Length < _collectedCount)
        {
            _collected = new float[_collectedCount];
        }

        Download(source, rows, _collected);
    }

    internal override bool TryCollect(Func<bool> isCancelled) => true;

    internal override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        var to = (CpuActivations)target;
        for (var row = 0; row < rows; row++)
        {
            source.Slice(row * to.Width, to.Width).CopyTo(new Span<float>(to.Row(row), to.Width));
        }
    }

    internal override void Download(Activations source, int rows, Span<float> target)
    {
        var from = (CpuActivations)source;
        for (var row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(from.Row(row), from.Width).CopyTo(target.Slice(row * from.Width, from.Width));
        }
    }

    internal override void CopyRows(Activations source, int firstRow, int rows, Activations target)
    {
        var from = (CpuActivations)source;
        var to = (CpuActivations)target;
        for (var row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(from.Row(firstRow + row), from.Width).CopyTo(
                new Span<float>(to.Row(row), to.Width)
            );
        }
    }

    internal override void Embed(WeightMatrix table, Activations hidden, float factor = 1)
    {
        var matrix = (CpuMatrix)table;
        var target = (CpuActivations)hidden;
        for (var row = 0; row < _batch.RowCount; row++)
        {
            matrix.UnpackRow(_batch.Tokens[row], target.Row(row));
            var values = new Span<float>(target.Row(row), matrix.Columns);
            TensorPrimitives.Multiply(values, factor, values);
        }
    }

    internal override void StoreRows(Activations source, Activations target)
    {
        for (var row = 0; row < _batch.RowCount; row++)
        {
            Features((CpuActivations)source, row).CopyTo(Features((CpuActivations)target, _batch.Slots[row]));
        }
    }

    internal override void JoinStored(WeightMatrix table, Activations stored, Activations joined, Activations cleared)
    {
        for (var row = 0; row < _batch.RowCount; row++)
        {
            Join((CpuMatrix)table, (CpuActivations)stored, _batch.ParentSlot(row), row, joined, cleared);
        }
    }

    internal override void JoinDrafted(
        WeightMatrix table,
        TokenDraws? draws,
        Activations features,
        int firstRow,
        Activations joined,
        Activations cleared
    )
    {
        for (var row = 0; row < _batch.RowCount; row++)
        {
            Join((CpuMatrix)table, (CpuActivations)features, firstRow + row, row, joined, cleared);
        }
    }

    internal override void RmsNorm(Activations x, int firstRow, int rows, Norm norm, NormedRows y)
    {
        var from = (CpuActivations)x;
        var to = ((CpuNormedRows)y).Rows;
        var weight = ((CpuVector)norm.Weight).Data;
        for (var row = 0; row < rows; row++)
        {
            CpuRmsNorm.Execute(from.Row(firstRow + row), weight, norm.Epsilon, to.Row(row), x.Width);
        }
    }

    internal override void MatMul(NormedRows x, WeightMatrix weight, Activations y, int rows) =>
        Multiply(((CpuNormedRows)x).Rows, weight, y, rows, accumulate: false);

    internal override void MatMulSwiGlu(NormedRows x, WeightMatrix gateUp, Activations scratch, Activations y, int rows)
    {
        MatMul(x, gateUp, scratch, rows);
        SwiGlu(scratch, y, rows);
    }

    internal override void MatMulAdd(
        Activations x,
        WeightMatrix weight,
        Activations hidden,
        int rows,
        Norm? next = null,
        NormedRows? normed = null
    )
    {
        Multiply(x, weight, hidden, rows, accumulate: true);
        if (next is not null)
        {
            RmsNorm(hidden, 0, rows, next, normed!);
        }
    }

    internal override void AddBias(Activations y, WeightVector bias, int rows)
    {
        var values = new ReadOnlySpan<float>(((CpuVector)bias).Data, bias.Length);
        for (var row = 0; row < rows; row++)
        {
            var target = new Span<float>(((CpuActivations)y).Row(row), bias.Length);
            TensorPrimitives.Add(target, values, target);
        }
    }

    internal override void NormHeads(Activations qkv, AttentionShape shape, Norm query, Norm key, int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var heads = ((CpuActivations)qkv).Row(row);
            for (var head = 0; head < shape.HeadCount + shape.KvHeadCount; head++)
            {
                var norm = head < shape.HeadCount ? query : key;
                CpuRmsNorm.ExecuteHead(heads, ((CpuVector)norm.Weight).Data, norm.Epsilon, shape.HeadSize);
                heads += shape.HeadSize;
            }
        }
    }

    internal override void SwiGlu(Activations gateUp, Activations y, int rows) =>
        _swiGlu.Run((CpuActivations)gateUp, (CpuActivations)y, rows, _team);

    internal override void AppendKv(Activations qkv, AttentionShape shape, RotaryMemory rotary, KvMemory kv)
    {
        var rows = (CpuActivations)qkv;
        var table = ((CpuRotaryTable)rotary).Table;
        for (var row = 0; row < _batch.RowCount; row++)
        {
            CpuRotary.Execute(rows.Row(row), shape, table, _batch.Positions[row], (CpuKvMemory)kv, _batch.Slots[row]);
        }
    }

    internal override void Attend(
        Activations qkv,
        AttentionShape shape,
        RotaryMemory rotary,
        KvMemory kv,
        Activations y
    )
    {
        AppendKv(qkv, shape, rotary, kv);
        _attention.Prepare(_batch, (CpuActivations)qkv, shape, (CpuKvMemory)kv, (CpuActivations)y);
        _team.Run(_attention);
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _team.Dispose();
            _attention.Dispose();
            _panels.Dispose();
        }
    }

    private static Span<float> Features(CpuActivations rows, int row) => new(rows.Row(row), rows.Width);

    /// <summary>A feature row below 0 stands for zeros. Features may lie where zeros go: they are read first.</summary>
    private void Join(
        CpuMatrix table,
        CpuActivations features,
        int featureRow,
        int row,
        Activations joined,
        Activations cleared
    )
    {
        var target = ((CpuActivations)joined).Row(row);
        table.UnpackRow(_batch.Tokens[row], target);
        var second = new Span<float>(target + table.Columns, table.Columns);
        if (featureRow < 0)
        {
            second.Clear();
        }
        else
        {
            Features(features, featureRow).CopyTo(second);
        }

        Features((CpuActivations)cleared, row).Clear();
    }

    private void Multiply(Activations x, WeightMatrix weight, Activations y, int rows, bool accumulate)
    {
        var matrix = (CpuMatrix)weight;
        var from = (CpuActivations)x;

        // One row goes four tiles at a time; tiles that are left over are a block's.
        if (rows > 1 || matrix.TileCount % MatMulBlocks.TilesOfOneRow != 0)
        {
            _panels.Pack(from, rows, matrix.PairCount, _team);
        }

        _matMul.Arguments = new MatMulArguments(from, _panels, matrix, (CpuActivations)y, rows, accumulate);
        _team.Run(_matMul);
    }

    private sealed class CpuRotaryTable(RotaryTable table) : RotaryMemory(table.Length)
    {
        public RotaryTable Table { get; } = table;

        public override void Dispose() { }
    }

    private sealed class MatMulWork : ITeamWork
    {
        public MatMulArguments Arguments;

        public void Execute(int part, int parts) => CpuMatMul.Execute(Arguments, part, parts);
    }

    /// <summary>Splits (row, key/value head) pairs among threads; each pair's result is its own.</summary>
    private sealed class AttentionWork(int threads) : ITeamWork, IDisposable
    {
        private readonly AlignedMemory?[] _scratch = new AlignedMemory?[threads];
        private StepBatch _batch = new(0);
        private CpuActivations _qkv = null!;
        private CpuActivations _y = null!;
        private CpuKvMemory _kv = null!;
        private AttentionShape _shape;

        public void Prepare(StepBatch batch, CpuActivations qkv, AttentionShape shape, CpuKvMemory kv, CpuActivations y)
        {
            (_batch, _qkv, _shape, _kv, _y) = (batch, qkv, shape, kv, y);
            var needed = CpuAttention.ScratchLength(batch.LongestContext) * sizeof(float);
            for (var i = 0; i < _scratch.Length; i++)
            {
                if (_scratch[i] is not { } scratch || scratch.ByteCount < needed)
                {
                    _scratch[i]?.Dispose();
                    _scratch[i] = new AlignedMemory(needed * 2L);
                }
            }
        }

        public void Execute(int part, int parts)
        {
            var items = _batch.RowCount * _shape.KvHeadCount;
            var (first, end) = WorkerTeam.Share(items, part, parts);
            fixed (int* tails = _batch.TailSlots)
            {
                for (var item = first; item < end; item++)
                {
                    var row = item / _shape.KvHeadCount;
                    fixed (int* table = &MemoryMarshal.GetArrayDataReference(_batch.SlotTables[row]))
                    {
                        var context = new CpuRowContext(
                            table + _batch.CommittedStarts[row],
                            _batch.CommittedLengths[row] - _batch.CommittedStarts[row],
                            tails + _batch.TailStarts[row],
                            _batch.TailLengths[row]
                        );
                        CpuAttention.Execute(
                            _qkv.Row(row),
                            _shape,
                            _kv,
                            context,
                            item % _shape.KvHeadCount,
                            (float*)_scratch[part]!.Pointer,
                            _y.Row(row)
                        );
                    }
                }
            }
        }

        public void Dispose()
        {
            foreach (var scratch in _scratch)
            {
                scratch?.Dispose();
            }
        }
    }
}
