using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>
/// Whole heads and their loss in double precision, written from docs/exit-heads.md and the chain's definition, each text by
/// itself, without any of the training code: what its gradients are held to.
/// </summary>
internal sealed class DoubleHeads(TrainedHead head, RotaryTable rotary, ToyTeacher teacher)
{
    private readonly AttentionShapeOf _shape = new(
        head.Config.HeadCount,
        head.Config.KvHeadCount,
        head.Config.HeadSize
    );

    /// <summary>Of what blocks add; states are given, and joined by a chain, divided by it.</summary>
    private readonly double _unit = head.Config.Layers.ResidualMultiplier;

    /// <summary>The head's tensors, to be changed one value at a time.</summary>
    public Dictionary<string, double[]> Tensors { get; } = ReadTensors(head);

    /// <summary>The weighted loss over texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="hidden">Hidden states after the exit layer, for each text.</param>
    /// <param name="targetLogits">The target's logits at every position, for each text.</param>
    /// <param name="loss">Which loss.</param>
    /// <param name="lambdas">The hybrid's shares as constants; filled on the first call.</param>
    public double Loss(
        IReadOnlyList<TrainingSequence> texts,
        double[][] hidden,
        double[][][] targetLogits,
        DistillationLoss loss,
        Dictionary<(int Text, int Step, int Row), double> lambdas
    )
    {
        var answers = texts.Sum(text => text.AnswerTokens);
        var total = 0.0;
        for (var i = 0; i < texts.Count; i++)
        {
            var outputs = Outputs(texts[i], hidden[i]);
            for (var step = 0; step < outputs.Count; step++)
            {
                for (var row = step; row + 1 < texts[i].Length; row++)
                {
                    if (!texts[i].IsAnswer[row + 1] || !texts[i].IsAnswer[row - step + 1])
                    {
                        continue;
                    }

                    var draft = Logits(outputs[step], row - step);
                    var target = targetLogits[i][row];
                    if (!lambdas.TryGetValue((i, step, row), out var lambda))
                    {
                        lambda = DoubleOps.Lambda(target, draft);
                        lambdas.Add((i, step, row), lambda);
                    }

                    var value = DoubleOps.Loss(target, draft, texts[i].Tokens[row + 1], loss, lambda);
                    total += Math.Pow(0.9, step) * value / answers;
                }
            }
        }

        return total;
    }

    private List<double[]> Outputs(TrainingSequence text, double[] hidden)
    {
        var rows = text.Length;
        hidden = Times(hidden, _unit);
        switch (head.Spec.Kind)
        {
            case TrainedHeadKind.Norm:
                return [hidden];
            case TrainedHeadKind.Mlp:
                var normed = DoubleOps.RmsNorm(hidden, Tensors[ExitHeadTensorNames.MlpNorm], head.Epsilon, rows);
                return [Sum(hidden, Times(FeedForward(normed, "mlp.", rows), _unit))];
            case TrainedHeadKind.Transformer:
                for (var i = 0; i < head.Spec.LayerCount; i++)
                {
                    hidden = Layer(hidden, $"layers.{i}.", rows, [], 0);
                }

                return [hidden];
            default:
                return Chain(text, hidden);
        }
    }

    private List<double[]> Chain(TrainingSequence text, double[] hidden)
    {
        var size = head.Config.HiddenSize;
        var embedding = teacher.Tensor(LlamaTensorNames.Embedding, head.Config.VocabSize * size, isScale: false);
        var outputs = new List<double[]> { Layer(hidden, "layers.0.", text.Length, [], 0) };
        var steps = new List<double[]>();
        for (var step = 1; step < head.Spec.Depth; step++)
        {
            var joined = new double[text.Length * 2 * size];
            for (var row = 0; row < text.Length; row++)
            {
                var token = row + step < text.Length ? text.Tokens[row + step] : 0;
                for (var i = 0; i < size; i++)
                {
                    joined[row * 2 * size + i] = embedding[token * size + i];
                    joined[row * 2 * size + size + i] = outputs[^1][row * size + i] / _unit;
                }
            }

            var entry = DoubleOps.Product(joined, Tensors["chain.input_proj.weight"], text.Length);
            outputs.Add(Layer(Times(entry, _unit), "chain.layer.", text.Length, steps, step));
        }

        return outputs;
    }

    /// <summary>A layer; its queries, keys and values are added to those of earlier steps.</summary>
    private double[] Layer(double[] x, string prefix, int rows, List<double[]> steps, int shift)
    {
        var attentionNorm = Tensors[prefix + "input_layernorm.weight"];
        var normed = DoubleOps.RmsNorm(x, attentionNorm, head.Epsilon, rows);
        var queries = Times(Project(normed, prefix + "self_attn.q_proj", rows), OwnScale());
        var keys = Project(normed, prefix + "self_attn.k_proj", rows);
        var values = Project(normed, prefix + "self_attn.v_proj", rows);
        var joined = Enumerable
            .Range(0, rows)
            .SelectMany(row => Row(queries, row, rows).Concat(Row(keys, row, rows)).Concat(Row(values, row, rows)))
            .ToArray();
        if (Tensors.TryGetValue(prefix + "self_attn.q_norm.weight", out var queryNorm))
        {
            var keyNorm = Tensors[prefix + "self_attn.k_norm.weight"];
            joined = DoubleOps.NormHeads(joined, _shape, queryNorm, keyNorm, head.Epsilon, rows);
        }

        int[] positions = [.. Enumerable.Range(shift, rows)];
        steps.Add(DoubleOps.Rotate(joined, _shape, rotary, positions));
        var window = head.Config.Layers.SlidingWindow ?? int.MaxValue;
        var attended = DoubleOps.Attend([.. steps], _shape, [0, rows], window);
        var middle = Sum(x, Times(Project(attended, prefix + "self_attn.o_proj", rows), _unit));
        var feedForwardNorm = Tensors[prefix + "post_attention_layernorm.weight"];
        return Sum(
            middle,
            Times(
                FeedForward(DoubleOps.RmsNorm(middle, feedForwardNorm, head.Epsilon, rows), prefix + "mlp.", rows),
                _unit
            )
        );
    }

    /// <summary>What scores are multiplied by instead of 1 / sqrt(head size), over that.</summary>
    private double OwnScale() =>
        head.Config.Layers.AttentionMultiplier is { } factor ? factor * Math.Sqrt(head.Config.HeadSize) : 1;

    private double[] FeedForward(double[] normed, string prefix, int rows)
    {
        var gate = Project(normed, prefix + "gate_proj", rows);
        var up = Project(normed, prefix + "up_proj", rows);
        var joined = Enumerable
            .Range(0, rows)
            .SelectMany(row => Row(gate, row, rows).Concat(Row(up, row, rows)))
            .ToArray();
        return Project(DoubleOps.SwiGlu(joined, rows), prefix + "down_proj", rows);
    }

    /// <summary>A projection, with its bias where it has one.</summary>
    private double[] Project(double[] x, string name, int rows)
    {
        var y = DoubleOps.Product(x, Tensors[name + ".weight"], rows);
        return Tensors.TryGetValue(name + ".bias", out var bias) ? DoubleOps.AddBias(y, 0, bias, rows) : y;
    }

    private double[] Logits(double[] output, int row)
    {
        var size = head.Config.HiddenSize;
        var state = output[(row * size)..((row + 1) * size)];
        var lmHead = teacher.Tensor("lm_head.weight", head.Config.VocabSize * size, isScale: false);
        var logits = DoubleOps.Product(
            DoubleOps.RmsNorm(state, Tensors[ExitHeadTensorNames.Norm], head.Epsilon, 1),
            [.. lmHead.Select(value => (double)value)],
            1
        );
        return Times(logits, 1 / head.Config.Layers.LogitsDivisor);
    }

    private static IEnumerable<double> Row(double[] values, int row, int rows) =>
        values.Skip(row * (values.Length / rows)).Take(values.Length / rows);

    private static double[] Times(double[] values, double factor) => [.. values.Select(value => value * factor)];

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static Dictionary<string, double[]> ReadTensors(TrainedHead head) =>
        head.Tensors.ToDictionary(tensor => tensor.Name, tensor => Part(tensor, TrainedPart.Values));

    /// <summary>A tensor's values or gradient.</summary>
    public static double[] Part(TrainedTensor tensor, TrainedPart part)
    {
        var all = new float[tensor.Matrix.Count];
        tensor.Matrix.Read(part, all);
        return
        [
            .. all.Skip(tensor.FirstRow * tensor.Matrix.Columns)
                .Take(tensor.Rows * tensor.Matrix.Columns)
                .Select(value => (double)value),
        ];
    }
}
