using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>
/// The operations of training as their formulas read, in double precision: what devices are held to, and what finite
/// differences are taken of. Matrices are row by row.
/// </summary>
internal static class DoubleOps
{
    /// <summary>y [rows, out] = x [rows, in] weight [out, in]^T.</summary>
    public static double[] Product(double[] x, double[] weight, int rows)
    {
        var inner = x.Length / rows;
        var outer = weight.Length / inner;
        var y = new double[rows * outer];
        for (var r = 0; r < rows; r++)
        {
            for (var o = 0; o < outer; o++)
            {
                for (var i = 0; i < inner; i++)
                {
                    y[r * outer + o] += x[r * inner + i] * weight[o * inner + i];
                }
            }
        }

        return y;
    }

    public static double[] RmsNorm(double[] x, double[] scale, double epsilon, int rows)
    {
        var width = scale.Length;
        var y = new double[x.Length];
        for (var r = 0; r < rows; r++)
        {
            var mean = 0.0;
            for (var i = 0; i < width; i++)
            {
                mean += x[r * width + i] * x[r * width + i] / width;
            }

            for (var i = 0; i < width; i++)
            {
                y[r * width + i] = x[r * width + i] / Math.Sqrt(mean + epsilon) * scale[i];
            }
        }

        return y;
    }

    /// <summary>Adds a bias to columns of each row.</summary>
    public static double[] AddBias(double[] y, int column, double[] bias, int rows)
    {
        var sum = (double[])y.Clone();
        for (var i = 0; i < rows * bias.Length; i++)
        {
            sum[i / bias.Length * (y.Length / rows) + column + i % bias.Length] += bias[i % bias.Length];
        }

        return sum;
    }

    /// <summary>See <see cref="TrainingDevice.NormHeads"/>.</summary>
    public static double[] NormHeads(
        double[] x,
        AttentionShapeOf shape,
        double[] queryScale,
        double[] keyScale,
        double epsilon,
        int rows
    )
    {
        var y = (double[])x.Clone();
        for (var head = 0; head < rows * (shape.Heads + shape.KvHeads); head++)
        {
            var inRow = head % (shape.Heads + shape.KvHeads);
            var at = head / (shape.Heads + shape.KvHeads) * shape.Width + inRow * shape.HeadSize;
            RmsNorm(x[at..(at + shape.HeadSize)], inRow < shape.Heads ? queryScale : keyScale, epsilon, 1)
                .CopyTo(y, at);
        }

        return y;
    }

    public static double[] SwiGlu(double[] gateUp, int rows)
    {
        var width = gateUp.Length / rows / 2;
        var y = new double[rows * width];
        for (var r = 0; r < rows; r++)
        {
            for (var i = 0; i < width; i++)
            {
                var gate = gateUp[r * 2 * width + i];
                y[r * width + i] = gate / (1 + Math.Exp(-gate)) * gateUp[r * 2 * width + width + i];
            }
        }

        return y;
    }

    public static double[] Rotate(double[] queryKeyValue, AttentionShapeOf shape, RotaryTable table, int[] positions)
    {
        var y = (double[])queryKeyValue.Clone();
        var half = table.HalfSize;
        for (var r = 0; r < positions.Length; r++)
        {
            for (var head = 0; head < shape.Heads + shape.KvHeads; head++)
            {
                for (var i = 0; i < half; i++)
                {
                    var at = r * shape.Width + head * shape.HeadSize + i;
                    double cosine = table.Cosines[positions[r] * half + i];
                    double sine = table.Sines[positions[r] * half + i];
                    y[at] = queryKeyValue[at] * cosine - queryKeyValue[at + half] * sine;
                    y[at + half] = queryKeyValue[at + half] * cosine + queryKeyValue[at] * sine;
                }
            }
        }

        return y;
    }

    /// <summary>See <see cref="TrainingDevice.Attend"/>.</summary>
    public static double[] Attend(double[][] steps, AttentionShapeOf shape, int[] starts, int window = int.MaxValue)
    {
        var y = new double[starts[^1] * shape.Heads * shape.HeadSize];
        for (var s = 0; s + 1 < starts.Length; s++)
        {
            for (var row = starts[s]; row < starts[s + 1]; row++)
            {
                for (var head = 0; head < shape.Heads; head++)
                {
                    AttendRow(steps, shape, starts[s], window, row, head, y);
                }
            }
        }

        return y;
    }

    /// <summary>The loss of one position.</summary>
    /// <param name="target">The target's logits.</param>
    /// <param name="draft">The draft's logits.</param>
    /// <param name="nextToken">The text's own.</param>
    /// <param name="loss">Which.</param>
    /// <param name="lambda">The hybrid's share, a constant for the gradient; null to work it out.</param>
    public static double Loss(
        double[] target,
        double[] draft,
        int nextToken,
        DistillationLoss loss,
        double? lambda = null
    )
    {
        var q = Softmax(draft);
        var best = loss == DistillationLoss.Hybrid ? Array.IndexOf(target, target.Max()) : nextToken;
        return LossOf(Softmax(target), q, -Math.Log(q[best]), loss, lambda);
    }

    /// <summary>The loss of two distributions and a cross-entropy.</summary>
    private static double LossOf(double[] p, double[] q, double crossEntropy, DistillationLoss loss, double? lambda)
    {
        var kl = p.Zip(q, (a, b) => a > 0 ? a * Math.Log(a / b) : 0).Sum();
        if (loss == DistillationLoss.KlCrossEntropy)
        {
            return kl + crossEntropy;
        }

        var overlap = p.Zip(q, Math.Min).Sum();
        var share = lambda ?? Math.Exp(-3 * overlap);
        return share * kl + (1 - share) * 2 * (1 - overlap) + 0.3 * crossEntropy;
    }

    /// <summary>
    /// The target's and the draft's probabilities of the tokens with the largest targets, in ascending order, and of all others
    /// together: distributions that <see cref="LossOf"/> compares.
    /// </summary>
    public static (double[] Target, double[] Draft, int[] Tokens) Truncate(double[] target, double[] draft, int tokens)
    {
        int[] kept = [.. Enumerable.Range(0, target.Length).OrderByDescending(i => target[i]).Take(tokens).Order()];
        var (p, q) = (Softmax(target), Softmax(draft));
        return (Outcomes(p), Outcomes(q), kept);

        double[] Outcomes(double[] all) => [.. kept.Select(i => all[i]), all.Where((_, i) => !kept.Contains(i)).Sum()];
    }

    /// <summary>The loss against the most probable tokens, by the definition of <see cref="TrainingDevice.TruncatedLoss"/>.</summary>
    public static double TruncatedLoss(
        double[] target,
        double[] draft,
        int tokens,
        int nextToken,
        DistillationLoss loss,
        double? lambda = null
    )
    {
        var (p, q, _) = Truncate(target, draft, tokens);
        var best = loss == DistillationLoss.Hybrid ? Array.IndexOf(target, target.Max()) : nextToken;
        return LossOf(p, q, -Math.Log(Softmax(draft)[best]), loss, lambda);
    }

    public static double TruncatedLambda(double[] target, double[] draft, int tokens)
    {
        var (p, q, _) = Truncate(target, draft, tokens);
        return Math.Exp(-3 * p.Zip(q, Math.Min).Sum());
    }

    public static double Lambda(double[] target, double[] draft) => Math.Exp(-3 * Overlap(target, draft));

    public static double Overlap(double[] target, double[] draft) =>
        Softmax(target).Zip(Softmax(draft), Math.Min).Sum();

    public static double[] Softmax(double[] logits)
    {
        var max = logits.Max();
        var sum = logits.Sum(logit => Math.Exp(logit - max));
        return [.. logits.Select(logit => Math.Exp(logit - max) / sum)];
    }

    private static void AttendRow(
        double[][] steps,
        AttentionShapeOf shape,
        int start,
        int window,
        int row,
        int head,
        double[] y
    )
    {
        var keyHead = head / (shape.Heads / shape.KvHeads);
        var seen = Enumerable
            .Range(start, row - start + 1)
            .Where(key => row + steps.Length - 1 - key < window)
            .Select(key => (Step: 0, Row: key))
            .Concat(Enumerable.Range(1, steps.Length - 1).Select(step => (Step: step, Row: row)))
            .ToArray();
        var query = row * shape.Width + head * shape.HeadSize;
        var keyColumn = (shape.Heads + keyHead) * shape.HeadSize;
        var valueColumn = keyColumn + shape.KvHeads * shape.HeadSize;
        var scores = seen.Select(key =>
                Enumerable
                    .Range(0, shape.HeadSize)
                    .Sum(i => steps[^1][query + i] * steps[key.Step][key.Row * shape.Width + keyColumn + i])
                / Math.Sqrt(shape.HeadSize)
            )
            .ToArray();
        var weights = Softmax(scores);
        for (var k = 0; k < seen.Length; k++)
        {
            for (var i = 0; i < shape.HeadSize; i++)
            {
                y[(row * shape.Heads + head) * shape.HeadSize + i] +=
                    weights[k] * steps[seen[k].Step][seen[k].Row * shape.Width + valueColumn + i];
            }
        }
    }
}

/// <summary>Heads of an attention block.</summary>
internal readonly record struct AttentionShapeOf(int Heads, int KvHeads, int HeadSize)
{
    public int Width => (Heads + 2 * KvHeads) * HeadSize;
}
