using System.Globalization;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Host.Verification;

/// <summary>
/// A device against another implementation's results: a safetensors file with, for prompts i = 0, 1, …,
/// <c>i.input_ids</c>, <c>i.logits</c> (of the last prompt positions), <c>i.hidden.e</c> (after e layers) and
/// <c>i.greedy</c> (the greedy continuation).
/// </summary>
internal sealed class GoldenChecks(VerifiedDevice device, string path)
{
    /// <summary>Relative error of logits and hidden states that the CPU may have.</summary>
    private const double CpuTolerance = 2e-4;

    /// <summary>And a card, which holds keys and values in bf16.</summary>
    private const double CardTolerance = 2e-2;

    /// <summary>Where the two best logits lie further apart than this, a card must choose the same token.</summary>
    private const double DecisiveMargin = 0.3;

    /// <summary>Runs the checks.</summary>
    public IEnumerable<Finding> Run()
    {
        using var file = SafetensorsFile.Open(path);
        var layers = device.Assets.Config.LayerCount;
        var prompts = new List<Golden>();
        for (var i = 0; file.TryGet($"{i}.input_ids", out _); i++)
        {
            prompts.Add(Golden.Read(file, i));
        }

        using (var stages = device.Load([layers]))
        {
            yield return Logits(stages.Run, prompts);
        }

        foreach (var depth in prompts.SelectMany(prompt => prompt.Hidden.Keys).Distinct().Order())
        {
            using var stages = device.Load([depth]);
            yield return Hidden(stages.Run, prompts, depth);
        }

        yield return device.IsCpu ? Greedy(prompts) : DecisiveGreedy(prompts);
    }

    /// <summary>Relative error that a device may have.</summary>
    public static double ToleranceOf(VerifiedDevice device) => device.IsCpu ? CpuTolerance : CardTolerance;

    private Finding Logits(ModelRun run, List<Golden> prompts)
    {
        var worst = 0.0;
        for (var i = 0; i < prompts.Count; i++)
        {
            run.Open(i, prompts[i].InputIds.Length);
            var rows = prompts[i].Logits.Length;
            var logits = FeedWithTail(run, i, prompts[i].InputIds, rows);
            run.Close(i);
            for (var row = 0; row < rows; row++)
            {
                worst = Math.Max(worst, RelativeError(logits[row], prompts[i].Logits[row]));
            }
        }

        return Bounded("golden logits", worst, ToleranceOf(device));
    }

    private Finding Hidden(ModelRun run, List<Golden> prompts, int depth)
    {
        var worst = 0.0;
        for (var i = 0; i < prompts.Count; i++)
        {
            var expected = prompts[i].Hidden[depth];
            run.Open(i, prompts[i].InputIds.Length);
            FeedWithTail(run, i, prompts[i].InputIds, expected.Length);
            run.Close(i);
            var width = device.Assets.Config.HiddenSize;
            var unit = (float)device.Assets.Config.Layers.ResidualMultiplier;
            var rows = run.LastHidden.Length / width;
            for (var row = 0; row < expected.Length; row++)
            {
                var at = (rows - expected.Length + row) * width;
                float[] inUnits = [.. expected[row].Select(value => value / unit)];
                worst = Math.Max(worst, RelativeError(run.LastHidden.AsSpan(at, width), inUnits));
            }
        }

        return Bounded($"golden hidden states after {depth} layers", worst, ToleranceOf(device));
    }

    private Finding Greedy(List<Golden> prompts)
    {
        using var stages = device.Load([device.Assets.Config.LayerCount]);
        var compared = 0;
        for (var i = 0; i < prompts.Count; i++)
        {
            foreach (var (logits, token) in TeacherForced(stages.Run, i, prompts[i]))
            {
                compared++;
                if (IndexOfMax(logits) != token)
                {
                    return new Finding("golden greedy tokens", false, $"prompt {i} differs at token {compared}");
                }
            }
        }

        return new Finding("golden greedy tokens", true, $"all {compared} identical");
    }

    /// <summary>The margin is read off the CPU's logits, which agree with the golden's own to 2e-4.</summary>
    private Finding DecisiveGreedy(List<Golden> prompts)
    {
        using var stages = device.Load([device.Assets.Config.LayerCount]);
        using var reference = device.Load([device.Assets.Config.LayerCount], "cpu");
        var decisive = 0;
        var agreed = 0;
        var total = 0;
        for (var i = 0; i < prompts.Count; i++)
        {
            var ours = TeacherForced(stages.Run, i, prompts[i]);
            foreach (var (mine, exact) in ours.Zip(TeacherForced(reference.Run, i, prompts[i])))
            {
                var same = IndexOfMax(mine.Logits) == mine.Token;
                total++;
                agreed += same ? 1 : 0;
                if (Margin(exact.Logits) > DecisiveMargin)
                {
                    decisive++;
                    if (!same)
                    {
                        return new Finding(
                            "golden greedy tokens",
                            false,
                            $"prompt {i} differs at a margin of {Margin(exact.Logits):0.00}"
                        );
                    }
                }
            }
        }

        return new Finding(
            "golden greedy tokens",
            true,
            $"all {decisive} with a margin above {DecisiveMargin.ToString(CultureInfo.InvariantCulture)} identical, {agreed} of {total} overall"
        );
    }

    /// <summary>Logits before each token of the golden's continuation, with that continuation fed.</summary>
    private static IEnumerable<(float[] Logits, int Token)> TeacherForced(ModelRun run, long sequence, Golden golden)
    {
        run.Open(sequence, golden.InputIds.Length + golden.Greedy.Length);
        var logits = run.Feed(sequence, golden.InputIds, chunk: 32)[0];
        foreach (var token in golden.Greedy)
        {
            yield return (logits, token);
            logits = run.Step([(sequence, token)], headRows: 1)[0];
        }

        run.Close(sequence);
    }

    /// <summary>The last rows must come in one step to get logits together.</summary>
    private static float[][] FeedWithTail(ModelRun run, long sequence, int[] tokens, int tail)
    {
        run.Feed(sequence, tokens.AsSpan(..^tail), chunk: 32, headRows: 0);
        return run.Step([.. tokens[^tail..].Select(token => (sequence, token))], tail);
    }

    /// <summary>A finding about an error.</summary>
    public static Finding Bounded(string name, double worst, double tolerance) =>
        new(
            name,
            worst <= tolerance,
            FormattableString.Invariant($"relative error at most {worst:0.0e+0}, allowed {tolerance:0e+0}")
        );

    /// <summary>Norm of the difference over the norm of what was expected.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        double difference = 0;
        double norm = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        // A NaN must fail every bound.
        var error = Math.Sqrt(difference / norm);
        return double.IsNaN(error) ? double.PositiveInfinity : error;
    }

    private static int IndexOfMax(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            best = values[i] > values[best] ? i : best;
        }

        return best;
    }

    private static double Margin(float[] logits)
    {
        var best = IndexOfMax(logits);
        var second = float.NegativeInfinity;
        for (var i = 0; i < logits.Length; i++)
        {
            second = i == best ? second : Math.Max(second, logits[i]);
        }

        return logits[best] - second;
    }

    /// <summary>A tensor of integers.</summary>
    public static int[] Integers(SafetensorsFile file, string name)
    {
        var tensor = file.Require(name);
        var values = new int[tensor.ElementCount];
        tensor.ReadRow(0, values);
        return values;
    }

    /// <summary>A tensor of rows.</summary>
    public static float[][] Rows(SafetensorsFile file, string name)
    {
        var tensor = file.Require(name);
        var rows = new float[tensor.RowCount][];
        for (var row = 0; row < rows.Length; row++)
        {
            rows[row] = new float[tensor.RowLength];
            tensor.ReadRow(row, rows[row]);
        }

        return rows;
    }

    private sealed record Golden(
        int[] InputIds,
        int[] Greedy,
        float[][] Logits,
        IReadOnlyDictionary<int, float[][]> Hidden
    )
    {
        public static Golden Read(SafetensorsFile file, int index)
        {
            var prefix = $"{index}.hidden.";
            return new Golden(
                Integers(file, $"{index}.input_ids"),
                Integers(file, $"{index}.greedy"),
                Rows(file, $"{index}.logits"),
                file.Entries.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
                    .ToDictionary(
                        entry => int.Parse(entry.Name.AsSpan(prefix.Length), CultureInfo.InvariantCulture),
                        entry => Rows(file, entry.Name)
                    )
            );
        }
    }
}
