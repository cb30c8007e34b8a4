using System.Numerics.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>Training on the CPU: fp32 throughout, products by <see cref="TeamProduct"/>.</summary>
internal sealed unsafe partial class CpuTrainingDevice : TrainingDevice
{
    private readonly WorkerTeam _team;
    private readonly TeamProduct _products;
    private readonly AttentionWork _attention;
    private readonly RowWork _rows;
    private readonly SwiGluWork _swiGlu = new();
    private readonly MemoryTally _tally = new();
    private float[] _partialSums = [];

    /// <param name="threads">Threads, the caller's included.</param>
    /// <param name="passTokens">Tokens of a pass; by default as many as keep a layer's activations in the last-level cache.</param>
    public CpuTrainingDevice(int threads, int passTokens = CpuTrainingSizes.DefaultPassTokens)
    {
        Sizes = new CpuTrainingSizes(threads, passTokens);
        _team = new WorkerTeam(threads, "distill");
        _products = new TeamProduct(_team, _tally);
        _attention = new AttentionWork(_team, _products, _tally);
        _rows = new RowWork(_team);
        Description = $"{threads} {(threads == 1 ? "thread" : "threads")}";
    }

    public override string Name => "cpu";

    public override string Description { get; }

    public override TrainingSizes Sizes { get; }

    public override long AllocatedBytes => _tally.Bytes;

    public override Activations Allocate(int rows, int width) => new CpuActivations(rows, width, _tally);

    public override IndexBuffer AllocateIndices(int capacity) => new CpuIndexBuffer(capacity, _tally);

    public override TrainedMatrix AllocateTrained(int rows, int columns) => new CpuTrainedMatrix(rows, columns, _tally);

    public override TrainingMatrix LoadFrozen(MatrixUses uses, params ReadOnlySpan<Weight> stacked)
    {
        var rows = 0;
        foreach (var weight in stacked)
        {
            rows += (int)weight.RowCount;
        }

        var columns = (int)stacked[0].RowLength;
        var plain = new CpuActivations(rows, columns, _tally);
        var first = 0;
        foreach (var weight in stacked)
        {
            for (var row = 0; row < weight.RowCount; row++)
            {
                weight.ReadRow(row, new Span<float>(plain.Row(first++), columns));
            }
        }

        var byRow = uses.HasFlag(MatrixUses.Products) ? new PackedOperand(_tally) : null;
        var byColumn = uses.HasFlag(MatrixUses.InputGradients) ? new PackedOperand(_tally) : null;
        if (byRow is not null)
        {
            _products.Pack(new Operand(plain.Row(0), plain.Stride, 1), rows, columns, byRow);
        }

        if (byColumn is not null)
        {
            _products.Pack(new Operand(plain.Row(0), 1, plain.Stride), columns, rows, byColumn);
        }

        var keepsPlain = uses.HasFlag(MatrixUses.Rows);
        if (!keepsPlain)
        {
            plain.Dispose();
        }

        return new CpuFrozenMatrix(rows, columns, keepsPlain ? plain : null, byRow, byColumn);
    }

    public override IDisposable LoadRotary(RotaryTable table) => new CpuRotaryTable(table, _tally);

    public override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            source.Slice(row * target.Width, target.Width).CopyTo(RowOf(target, row));
        }
    }

    public override void Upload(ReadOnlySpan<int> source, IndexBuffer target) =>
        source.CopyTo(((CpuIndexBuffer)target).Values);

    public override void Download(Activations source, int rows, Span<float> target)
    {
        for (var row = 0; row < rows; row++)
        {
            RowOf(source, row).CopyTo(target[(row * source.Width)..]);
        }
    }

    public override void Clear(Activations target, int rows) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    RowOf(target, row).Clear();
                }
            }
        );

    public override void Copy(Activations source, Activations target, int rows) =>
        PlaceColumns(source, target, 0, rows);

    public override void Add(Activations source, Activations target, int rows) =>
        TakeColumns(source, 0, target, rows, adds: true);

    public override void Scale(Activations target, float factor, int rows) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    TensorPrimitives.Multiply(RowOf(target, row), factor, RowOf(target, row));
                }
            }
        );

    public override void PlaceColumns(Activations source, Activations target, int column, int rows) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    RowOf(source, row).CopyTo(RowOf(target, row)[column..]);
                }
            }
        );

    public override void TakeColumns(Activations source, int column, Activations target, int rows, bool adds) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    var taken = RowOf(source, row).Slice(column, target.Width);
                    var destination = RowOf(target, row);
                    if (adds)
                    {
                        TensorPrimitives.Add(destination, taken, destination);
                    }
                    else
                    {
                        taken.CopyTo(destination);
                    }
                }
            }
        );

    public override void Embed(TrainingMatrix table, IndexBuffer tokens, Activations y, int rows)
    {
        var source = (ICpuTrainingMatrix)table;
        for (var row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(source.Row(Values(tokens)[row]), table.Columns).CopyTo(RowOf(y, row));
        }
    }

    public override void GatherRows(Activations x, IndexBuffer rows, int first, int count, Activations y)
    {
        for (var i = 0; i < count; i++)
        {
            var row = Values(rows)[first + i];
            if (row < 0)
            {
                RowOf(y, i).Clear();
            }
            else
            {
                RowOf(x, row).CopyTo(RowOf(y, i));
            }
        }
    }

    public override void ScatterAddRows(Activations x, IndexBuffer rows, int first, int count, Activations y)
    {
        for (var i = 0; i < count; i++)
        {
            if (Values(rows)[first + i] is var row and >= 0)
            {
                TensorPrimitives.Add(RowOf(y, row), RowOf(x, i), RowOf(y, row));
            }
        }
    }

    public override void Product(Activations x, TrainingMatrix weight, Activations y, int rows, bool adds)
    {
        var input = (CpuActivations)x;
        var output = (CpuActivations)y;
        _products.Execute(
            new Operand(input.Row(0), input.Stride, 1),
            rows,
            ((ICpuTrainingMatrix)weight).ForProducts(_products),
            output.Row(0),
            output.Stride,
            adds
        );
    }

    public override void ProductInputGradient(
        Activations dy,
        TrainingMatrix weight,
        Activations dx,
        int rows,
        bool adds
    )
    {
        var input = (CpuActivations)dy;
        var output = (CpuActivations)dx;
        _products.Execute(
            new Operand(input.Row(0), input.Stride, 1),
            rows,
            ((ICpuTrainingMatrix)weight).ForInputGradients(_products),
            output.Row(0),
            output.Stride,
            adds
        );
    }

    public override void ProductWeightGradient(Activations dy, Activations x, TrainedMatrix weight, int rows)
    {
        var left = (CpuActivations)dy;
        var right = (CpuActivations)x;
        var gradient = ((CpuTrainedMatrix)weight).Part(TrainedPart.Gradient);
        _products.Execute(
            new Operand(left.Row(0), 1, left.Stride),
            weight.Rows,
            new Operand(right.Row(0), 1, right.Stride),
            weight.Columns,
            rows,
            gradient.Row(0),
            gradient.Stride,
            adds: true
        );
    }

    protected override void Dispose(bool disposing)
    {
        _tally.Add(-sizeof(float) * (long)_partialSums.Length);
        _partialSums = [];
        _attention.Dispose();
        _products.Dispose();
        _team.Dispose();
    }

    private static Span<float> RowOf(Activations buffer, int row) =>
        new(((CpuActivations)buffer).Row(row), buffer.Width);

    private static int[] Values(IndexBuffer buffer) => ((CpuIndexBuffer)buffer).Values;
}
