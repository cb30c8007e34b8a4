using System.Runtime.CompilerServices;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Weights;

namespace Ppsd.Tests.Support;

/// <summary>
/// The CPU as a device that records parts of steps: a part must queue something, and the same operations each time that its
/// shape comes, as a card that replays them would.
/// </summary>
internal sealed class RecordedBackend : Backend
{
    private readonly CpuBackend _cpu = new(threads: 1);
    private readonly Dictionary<(StepPart, int Rows, int FirstRow, int Depth, int Head), List<string>> _parts = [];
    private List<string>? _queued;
    private int _rows;

    /// <summary>Parts queued, with their rows and first row, in order.</summary>
    public List<(StepPart Part, int Rows, int FirstRow)> Queued { get; } = [];

    public override string Name => "recorded";

    public override string Description => "the CPU, as a card";

    internal override int KvElementBytes => _cpu.KvElementBytes;

    internal override bool IsQueued => true;

    internal override long KvCacheBytesFor(long kvValuesPerToken, DeviceShare share) =>
        _cpu.KvCacheBytesFor(kvValuesPerToken, share);

    internal override ReadOnlySpan<float> Collected => _cpu.Collected;

    internal override long CacheBytes => _cpu.CacheBytes;

    internal override void Run(StepPart part, int firstRow, Action operations, int depth = 1, int head = 0)
    {
        var queued = _queued = [];
        operations();
        _queued = null;
        Assert.That(queued, Is.Not.Empty, $"{part} of {_rows} rows from {firstRow} on queues nothing");
        Queued.Add((part, _rows, firstRow));
        if (!_parts.TryAdd((part, _rows, firstRow, depth, head), queued))
        {
            Assert.That(
                queued,
                Is.EqualTo(_parts[(part, _rows, firstRow, depth, head)]),
                $"{part} of {_rows} rows differs"
            );
        }
    }

    internal override void BeginChain(IReadOnlyList<StepBatch> steps) => _cpu.BeginChain(steps);

    internal override void UseRows(int chainStep) => _cpu.UseRows(chainStep);

    internal override void StoreRows(Activations source, Activations target)
    {
        Note(_rows);
        _cpu.StoreRows(source, target);
    }

    internal override void JoinStored(WeightMatrix table, Activations stored, Activations joined, Activations cleared)
    {
        Note(_rows);
        _cpu.JoinStored(table, stored, joined, cleared);
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
        Note(_rows);
        _cpu.JoinDrafted(table, draws, features, firstRow, joined, cleared);
    }

    internal override Activations AllocateActivations(int rows, int width) => _cpu.AllocateActivations(rows, width);

    internal override Activations AllocateProductInput(int rows, int width) => _cpu.AllocateProductInput(rows, width);

    internal override NormedRows AllocateNormed(int rows, int width) => _cpu.AllocateNormed(rows, width);

    internal override KvMemory AllocateKv(KvShape shape) => _cpu.AllocateKv(shape);

    internal override ListedLogits AllocateListed(int rows, int vocabSize, ReadOnlySpan<int> tokens) =>
        _cpu.AllocateListed(rows, vocabSize, tokens);

    internal override WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked) => _cpu.LoadMatrix(stacked);

    internal override WeightMatrix LoadGateUp(Weight gate, Weight up) => _cpu.LoadGateUp(gate, up);

    internal override WeightVector LoadVector(Weight weight) => _cpu.LoadVector(weight);

    internal override RotaryMemory LoadRotary(RotaryTable table) => _cpu.LoadRotary(table);

    internal override void BeginStep(StepBatch batch)
    {
        Assert.That(batch.RowCount, Is.Positive, "a step without rows");
        _rows = batch.RowCount;
        _cpu.BeginStep(batch);
    }

    internal override double MeasureMs(Action operations) => _cpu.MeasureMs(operations);

    internal override void BeginDownload(Activations source, int rows) => _cpu.BeginDownload(source, rows);

    internal override bool TryCollect(Func<bool> isCancelled) => !isCancelled();

    internal override void Upload(ReadOnlySpan<float> source, Activations target, int rows) =>
        _cpu.Upload(source, target, rows);

    internal override void Download(Activations source, int rows, Span<float> target)
    {
        Assert.That(rows, Is.Positive, "a copy of no rows");
        _cpu.Download(source, rows, target);
    }

    internal override void CopyRows(Activations source, int firstRow, int rows, Activations target)
    {
        Note(rows);
        _cpu.CopyRows(source, firstRow, rows, target);
    }

    internal override void Embed(WeightMatrix table, Activations hidden, float factor = 1)
    {
        Note(_rows);
        _cpu.Embed(table, hidden, factor);
    }

    internal override void RmsNorm(Activations x, int firstRow, int rows, Norm norm, NormedRows y)
    {
        Note(rows);
        _cpu.RmsNorm(x, firstRow, rows, norm, y);
    }

    internal override void MatMul(NormedRows x, WeightMatrix weight, Activations y, int rows)
    {
        Note(rows);
        _cpu.MatMul(x, weight, y, rows);
    }

    internal override void MatMulSwiGlu(NormedRows x, WeightMatrix gateUp, Activations scratch, Activations y, int rows)
    {
        Note(rows);
        _cpu.MatMulSwiGlu(x, gateUp, scratch, y, rows);
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
        Note(rows);
        _cpu.MatMulAdd(x, weight, hidden, rows, next, normed);
    }

    internal override void AddBias(Activations y, WeightVector bias, int rows)
    {
        Note(rows);
        _cpu.AddBias(y, bias, rows);
    }

    internal override void NormHeads(Activations qkv, AttentionShape shape, Norm query, Norm key, int rows)
    {
        Note(rows);
        _cpu.NormHeads(qkv, shape, query, key, rows);
    }

    internal override void SwiGlu(Activations gateUp, Activations y, int rows)
    {
        Note(rows);
        _cpu.SwiGlu(gateUp, y, rows);
    }

    internal override void AppendKv(Activations qkv, AttentionShape shape, RotaryMemory rotary, KvMemory kv)
    {
        Note(_rows);
        _cpu.AppendKv(qkv, shape, rotary, kv);
    }

    internal override void Attend(
        Activations qkv,
        AttentionShape shape,
        RotaryMemory rotary,
        KvMemory kv,
        Activations y
    )
    {
        Note(_rows);
        _cpu.Attend(qkv, shape, rotary, kv, y);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _cpu.Dispose();
        }
    }

    private void Note(int rows, [CallerMemberName] string operation = "")
    {
        Assert.That(rows, Is.Positive, $"{operation} of no rows");
        _queued?.Add($"{operation} {rows}");
    }
}
