using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <content>Operations row by row: norms, activations, rotation, attention and the optimiser.</content>
internal sealed unsafe partial class CpuTrainingDevice
{
    public override void RmsNorm(
        Activations x,
        TrainingMatrix scale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    )
    {
        var (input, output, inverses) = ((CpuActivations)x, (CpuActivations)y, (CpuActivations)inverse);
        var weights = ((ICpuTrainingMatrix)scale).Row(0);
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    *inverses.Row(row) = NormRows.Forward(input.Row(row), weights, epsilon, output.Row(row), x.Width);
                }
            }
        );
    }

    public override void RmsNormGradient(
        Activations dy,
        Activations x,
        TrainedMatrix scale,
        Activations inverse,
        Activations? dx,
        int rows
    )
    {
        var trained = (CpuTrainedMatrix)scale;
        var width = Lanes.RoundUp(x.Width);
        var sums = PartialSums(RowWork.Chunks(rows) * width);
        _rows.Run(
            rows,
            (first, end) =>
            {
                fixed (float* partial = &sums[first / RowWork.ChunkRows * width])
                {
                    for (var row = first; row < end; row++)
                    {
                        NormRows.Backward(
                            ((CpuActivations)dy).Row(row),
                            ((CpuActivations)x).Row(row),
                            trained.Row(0),
                            *((CpuActivations)inverse).Row(row),
                            dx is null ? null : ((CpuActivations)dx).Row(row),
                            partial,
                            x.Width
                        );
                    }
                }
            }
        );
        AddPartialSums(sums, RowWork.Chunks(rows), width, trained.Part(TrainedPart.Gradient).Row(0), x.Width);
    }

    public override void SwiGlu(Activations gateUp, Activations y, int rows) =>
        _swiGlu.Run((CpuActivations)gateUp, (CpuActivations)y, rows, _team);

    public override void SwiGluGradient(Activations gateUp, Activations dy, Activations dGateUp, int rows) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    var gate = ((CpuActivations)gateUp).Row(row);
                    var dGate = ((CpuActivations)dGateUp).Row(row);
                    SwiGluRows.Backward(
                        gate,
                        gate + dy.Width,
                        ((CpuActivations)dy).Row(row),
                        dGate,
                        dGate + dy.Width,
                        dy.Width
                    );
                }
            }
        );

    public override void Rotate(
        Activations queryKeyValue,
        AttentionShape shape,
        IDisposable rotary,
        IndexBuffer positions,
        int rows,
        bool inverse
    )
    {
        var table = ((CpuRotaryTable)rotary).Table;
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    RotateRow(
                        ((CpuActivations)queryKeyValue).Row(row),
                        shape,
                        table,
                        Values(positions)[row],
                        inverse ? -1f : 1f
                    );
                }
            }
        );
    }

    public override void Attend(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums
    ) =>
        _attention.Run(
            OnCpu(steps),
            shape,
            sequences.Starts,
            window,
            (CpuActivations)y,
            (CpuActivations)logSums,
            dy: null,
            gradients: []
        );

    public override void AttendGradient(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums,
        Activations dy,
        ReadOnlySpan<Activations> gradients
    ) =>
        _attention.Run(
            OnCpu(steps),
            shape,
            sequences.Starts,
            window,
            (CpuActivations)y,
            (CpuActivations)logSums,
            (CpuActivations)dy,
            OnCpu(gradients)
        );

    public override double GradientSquares(TrainedMatrix matrix)
    {
        var gradient = ((CpuTrainedMatrix)matrix).Part(TrainedPart.Gradient);
        var sums = new double[RowWork.Chunks(matrix.Rows)];
        _rows.Run(
            matrix.Rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    var values = gradient.Row(row);
                    sums[first / RowWork.ChunkRows] += RowMath.Dot(values, values, matrix.Columns);
                }
            }
        );
        return sums.Sum();
    }

    public override void Update(TrainedMatrix matrix, in AdamWStep step)
    {
        var trained = (CpuTrainedMatrix)matrix;
        var update = step;
        _rows.Run(
            matrix.Rows,
            (first, end) =>
                AdamWRows.Execute(
                    trained.Part(TrainedPart.Values).Row(first),
                    trained.Part(TrainedPart.Gradient).Row(first),
                    trained.Part(TrainedPart.FirstMoment).Row(first),
                    trained.Part(TrainedPart.SecondMoment).Row(first),
                    (end - first) * trained.Part(TrainedPart.Values).Stride,
                    update,
                    matrix.Decays
                )
        );
        trained.Invalidate();
    }

    public override void ClearGradient(TrainedMatrix matrix) =>
        Clear(((CpuTrainedMatrix)matrix).Part(TrainedPart.Gradient), matrix.Rows);

    private static CpuActivations[] OnCpu(ReadOnlySpan<Activations> buffers)
    {
        var result = new CpuActivations[buffers.Length];
        for (var i = 0; i < buffers.Length; i++)
        {
            result[i] = (CpuActivations)buffers[i];
        }

        return result;
    }

    private static void RotateRow(float* row, AttentionShape shape, RotaryTable table, int position, float direction)
    {
        var half = table.HalfSize;
        fixed (float* cosines = &table.Cosines[position * half])
        fixed (float* sines = &table.Sines[position * half])
        {
            for (var head = 0; head < shape.HeadCount + shape.KvHeadCount; head++)
            {
                var values = row + head * shape.HeadSize;
                for (var i = 0; i < half; i++)
                {
                    var (x, y) = (values[i], values[i + half]);
                    var sine = sines[i] * direction;
                    values[i] = x * cosines[i] - y * sine;
                    values[i + half] = y * cosines[i] + x * sine;
                }
            }
        }
    }

    private float[] PartialSums(int count)
    {
        if (_partialSums.Length < count)
        {
            _tally.Add(sizeof(float) * (long)(count - _partialSums.Length));
            _partialSums = new float[count];
        }

        Array.Clear(_partialSums, 0, count);
        return _partialSums;
    }

    private static void AddPartialSums(float[] sums, int chunks, int stride, float* target, int width)
    {
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            for (var i = 0; i < width; i++)
            {
                target[i] += sums[chunk * stride + i];
            }
        }
    }

    /// <summary>The table as it is.</summary>
    private sealed class CpuRotaryTable : IDisposable
    {
        private readonly MemoryTally _tally;
        private readonly long _bytes;

        public CpuRotaryTable(RotaryTable table, MemoryTally tally)
        {
            Table = table;
            _tally = tally;
            _bytes = sizeof(float) * (long)(table.Cosines.Length + table.Sines.Length);
            tally.Add(_bytes);
        }

        public RotaryTable Table { get; }

        public void Dispose() => _tally.Add(-_bytes);
    }
}
