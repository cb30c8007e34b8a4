using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <content>
/// The gradient recomputes probabilities from the kept logarithms of sums (FlashAttention, Dao et al. 2022): with
/// D = sum of dy * y over a head,
/// dS = P * (dy V^T - D) * scale, then dQ = dS K, dK += dS^T Q, dV += P^T dy.
/// </content>
internal sealed unsafe partial class AttentionWork
{
    private void Backward(CpuAttentionScratch scratch, int first, int length, int kvHead)
    {
        var size = _shape.HeadSize;
        var keyColumn = _shape.QueryWidth + kvHead * size;
        var valueColumn = keyColumn + _shape.KvWidth;
        var main = _steps[0];
        var keys = main.Row(first) + keyColumn;
        var values = main.Row(first) + valueColumn;
        scratch.Resize(BlockRows, length);
        scratch.Keys.Pack(new Operand(keys, main.Stride, 1), length, size);
        scratch.KeysByDepth.Pack(new Operand(keys, 1, main.Stride), size, length);
        scratch.ValuesByKey.Pack(new Operand(values, main.Stride, 1), length, size);
        for (var start = 0; start < length; start += BlockRows)
        {
            var rows = Math.Min(BlockRows, length - start);
            for (var i = 0; i < _shape.GroupSize; i++)
            {
                var head = kvHead * _shape.GroupSize + i;
                Scores(scratch, first, start, rows, head, kvHead);
                Probabilities(scratch, first + start, start, rows, head);
                ScoreGradients(scratch, first + start, start, rows, head, valueColumn);
                QueryGradients(scratch, first + start, start, rows, head, keyColumn);
                KeyValueGradients(scratch, first, start, rows, head, keyColumn, valueColumn);
            }
        }
    }

    /// <summary>Probabilities from scores and the kept logarithms of sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Probabilities(CpuAttentionScratch scratch, int firstRow, int start, int rows, int head)
    {
        var scale = Vector512.Create(_shape.Scale);
        for (var row = 0; row < rows; row++)
        {
            var scores = scratch.Scores + row * scratch.ScoreStride;
            var count = start + row + 1;
            var logSum = _logSums.Row(firstRow + row)[head];
            var shift = Vector512.Create(logSum);
            for (var i = 0; i < count; i += Lanes.Count)
            {
                VectorMath.Exp(Vector512.Load(scores + i) * scale - shift).Store(scores + i);
            }

            scratch.ClearBeyond(row, count, start + rows);
            new Span<float>(scores, FirstKey(start + row)).Clear();
            for (var step = 0; step < _steps.Length - 1; step++)
            {
                scratch.Own(row)[step] = VectorMath.Exp(scratch.Own(row)[step] - logSum);
            }
        }
    }

    /// <summary>Gradients of scores, and those of the values of own steps.</summary>
    private void ScoreGradients(
        CpuAttentionScratch scratch,
        int firstRow,
        int start,
        int rows,
        int head,
        int valueColumn
    )
    {
        var size = _shape.HeadSize;
        var dy = _dy!.Row(firstRow) + head * size;
        scratch.Product.Execute(
            new Operand(dy, _dy.Stride, 1),
            rows,
            scratch.ValuesByKey,
            0,
            size,
            WholePanels(start + rows),
            scratch.Gradients,
            scratch.ScoreStride,
            adds: false
        );
        for (var row = 0; row < rows; row++)
        {
            var output = dy + (long)row * _dy.Stride;
            var shift = RowMath.Dot(output, _y.Row(firstRow + row) + head * size, size);
            var count = start + rows;
            var gradients = scratch.Gradients + row * scratch.ScoreStride;
            var probabilities = scratch.Scores + row * scratch.ScoreStride;
            for (var i = 0; i < count; i += Lanes.Count)
            {
                var p = Vector512.Load(probabilities + i);
                (p * (Vector512.Load(gradients + i) - Vector512.Create(shift)) * _shape.Scale).Store(gradients + i);
            }

            for (var step = 1; step < _steps.Length; step++)
            {
                var p = scratch.Own(row)[step - 1];
                var dp = RowMath.Dot(output, _steps[step].Row(firstRow + row) + valueColumn, size);
                scratch.OwnGradients(row)[step - 1] = p * (dp - shift) * _shape.Scale;
                RowMath.AddScaled(_gradients[step].Row(firstRow + row) + valueColumn, output, p, size);
            }
        }
    }

    private void QueryGradients(CpuAttentionScratch scratch, int firstRow, int start, int rows, int head, int keyColumn)
    {
        var size = _shape.HeadSize;
        var last = _gradients[^1];
        var dq = last.Row(firstRow) + head * size;
        scratch.Product.Execute(
            new Operand(scratch.Gradients, scratch.ScoreStride, 1),
            rows,
            scratch.KeysByDepth,
            0,
            start + rows,
            size,
            dq,
            last.Stride,
            adds: false
        );
        for (var row = 0; row < rows; row++)
        {
            var query = _steps[^1].Row(firstRow + row) + head * size;
            for (var step = 1; step < _steps.Length; step++)
            {
                var gradient = scratch.OwnGradients(row)[step - 1];
                RowMath.AddScaled(
                    dq + (long)row * last.Stride,
                    _steps[step].Row(firstRow + row) + keyColumn,
                    gradient,
                    size
                );
                RowMath.AddScaled(_gradients[step].Row(firstRow + row) + keyColumn, query, gradient, size);
            }
        }
    }

    private void KeyValueGradients(
        CpuAttentionScratch scratch,
        int first,
        int start,
        int rows,
        int head,
        int keyColumn,
        int valueColumn
    )
    {
        var size = _shape.HeadSize;
        var queries = _steps[^1].Row(first + start) + head * size;
        scratch.BlockByRow.Pack(new Operand(queries, 1, _steps[^1].Stride), size, rows);
        AddTransposed(scratch, scratch.Gradients, first, start, rows, keyColumn);
        scratch.BlockByRow.Pack(new Operand(_dy!.Row(first + start) + head * size, 1, _dy.Stride), size, rows);
        AddTransposed(scratch, scratch.Scores, first, start, rows, valueColumn);
    }

    /// <summary>Adds matrix^T [keys, rows] times the packed block [rows, head] to the gradients of keys or values.</summary>
    private void AddTransposed(CpuAttentionScratch scratch, float* matrix, int first, int start, int rows, int column)
    {
        var target = _gradients[0];
        for (var key = 0; key < start + rows; key += BlockProduct.MaxRows)
        {
            scratch.Product.Execute(
                new Operand(matrix + key, 1, scratch.ScoreStride),
                Math.Min(BlockProduct.MaxRows, start + rows - key),
                scratch.BlockByRow,
                0,
                rows,
                _shape.HeadSize,
                target.Row(first + key) + column,
                target.Stride,
                adds: true
            );
        }
    }
}
