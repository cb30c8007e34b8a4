using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>RMS norm of one row; squares are summed lane by lane, then across lanes in the fixed order.</summary>
internal static unsafe class CpuRmsNorm
{
    /// <summary>A head in place. Heads lie side by side, so its last values have no padding behind them.</summary>
    public static void ExecuteHead(float* x, float* weight, float epsilon, int headSize)
    {
        var whole = headSize / Lanes.Count * Lanes.Count;
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < whole; i += Lanes.Count)
        {
            var v = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(v, v, squares);
        }

        var sum = Lanes.Sum(squares);
        for (var i = whole; i < headSize; i++)
        {
            sum = MathF.FusedMultiplyAdd(x[i], x[i], sum);
        }

        var scale = 1f / MathF.Sqrt(sum / headSize + epsilon);
        for (var i = 0; i < headSize; i++)
        {
            x[i] = x[i] * scale * weight[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(float* x, float* weight, float epsilon, float* y, int width)
    {
        var padded = Lanes.RoundUp(width);
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < padded; i += Lanes.Count)
        {
            var v = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(v, v, squares);
        }

        var scale = Vector512.Create(1f / MathF.Sqrt(Lanes.Sum(squares) / width + epsilon));
        for (var i = 0; i < padded; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * scale * Vector512.Load(weight + i)).Store(y + i);
        }
    }
}
