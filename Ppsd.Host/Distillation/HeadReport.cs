using System.Globalization;
using System.Text;
using Ppsd.Host.Bench;
using Ppsd.Kernels.Distillation.Evaluation;

namespace Ppsd.Host.Distillation;

/// <summary>A run's report on a head: a table, a README and a picture.</summary>
internal static class HeadReport
{
    /// <summary>Lines for standard output.</summary>
    public static IEnumerable<string> Lines(HeadFigures figures)
    {
        yield return $"{figures.Head.KindName} head after layer {figures.Head.ExitLayer}";
        yield return Row("", StepEvaluation.Ranks.Select(rank => $"top {rank}").Append("overlap").Append("positions"));
        foreach (var line in Steps("greedy", figures.Greedy).Concat(Steps("sampled, T = 1", figures.Sampled)))
        {
            yield return line;
        }

        yield return Row("by position", figures.Greedy[0].ByPosition().Select(Range));
        yield return Row("  greedy", figures.Greedy[0].ByPosition().Select(bucket => Number(bucket.Acceptance)));
        yield return Row("speed-up at", HeadFigures.StageCounts.Select(count => $"{count} stages"));
        yield return SpeedUps("  greedy", figures.Greedy);
        yield return SpeedUps("  sampled", figures.Sampled);
    }

    /// <summary>The README of a head's folder.</summary>
    public static string Readme(
        DistillSettings settings,
        HeadFigures? figures,
        string modelName,
        HeadLog log,
        string data,
        string? vocabulary
    )
    {
        var head = figures?.Head;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# An exit head for {modelName}\n\n");
        text.Append("Made by `ppsd distill`; the model's own distribution was the teacher.\n\n");
        text.Append(CultureInfo.InvariantCulture, $"    {settings.Command}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"- data: {data}\n");
        if (vocabulary is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"- drafts: {vocabulary}\n");
        }

        if (log.Lines is [.., var last])
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"- training: {last.Step:N0} steps, {last.AnswerTokens:N0} answer tokens, batches of {settings.BatchTokens:N0} tokens, sequences up to {settings.SequenceLength:N0}\n"
            );
            text.Append(
                CultureInfo.InvariantCulture,
                $"- last batch: loss {last.Loss:0.000}, acceptance {last.Acceptance:0.000}\n"
            );
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"- learning rate {settings.LearningRate:0.######}, loss {LossName(settings)}, seed {settings.Seed}\n"
        );
        if (figures is not null)
        {
            text.Append("\nMeasured on texts the model wrote for prompts it was not trained on");
            text.Append(settings.EvaluationPath is null ? " (held out of the data):\n\n" : ":\n\n");
            foreach (var line in Lines(figures))
            {
                text.Append(CultureInfo.InvariantCulture, $"    {line.TrimEnd()}\n");
            }

            text.Append("\nThe speed-up is over plain decoding on the same stages, by the PPSD paper's equation 7: ");
            text.Append("stages of equal time, a head that costs nothing.\n");
        }

        text.Append("\n`training.jsonl` has a line for each step, `training.png` the same as a picture.\n");
        return text.ToString();
    }

    /// <summary>The loss as the command line spells it.</summary>
    public static string LossName(DistillSettings settings) =>
        settings.Loss == Ppsd.Kernels.Distillation.Compute.DistillationLoss.Hybrid ? "hybrid" : "kl+ce";

    /// <summary>The picture: acceptance and loss over answer tokens.</summary>
    public static BenchPlot Plot(string title, HeadLog log)
    {
        // Each point is the mean of many steps, because single batches scatter too much.
        var chunk = Math.Max(1, log.Lines.Count / 200);
        var points = log.Lines.Chunk(chunk).ToArray();
        var tokens = points.Select(lines => lines[^1].AnswerTokens / 1e6).ToArray();
        var highest = Math.Max(1e-9, points.Max(lines => lines.Average(line => line.Loss)));
        var series = new List<PlotSeries>
        {
            new("acceptance on batches", tokens, [.. points.Select(lines => lines.Average(line => line.Acceptance))]),
            new(
                FormattableString.Invariant($"loss / {highest:0.00}"),
                tokens,
                [.. points.Select(lines => lines.Average(line => line.Loss) / highest)]
            ),
        };
        var evaluated = log.Lines.Where(line => line.EvaluatedGreedy is not null).ToArray();
        if (evaluated.Length > 0)
        {
            series.Add(
                new PlotSeries(
                    "evaluated, greedy",
                    [.. evaluated.Select(line => line.AnswerTokens / 1e6)],
                    [.. evaluated.Select(line => line.EvaluatedGreedy!.Value)]
                )
            );
        }

        return new BenchPlot(title, "answer tokens (million)", "share of tokens, relative loss", series);
    }

    private static IEnumerable<string> Steps(string name, StepEvaluation[] steps)
    {
        for (var i = 0; i < steps.Length; i++)
        {
            var step = steps[i];
            yield return Row(
                steps.Length == 1 ? $"  {name}" : $"  {name}, step {i}",
                Enumerable
                    .Range(0, StepEvaluation.Ranks.Count)
                    .Select(column => Number(step.Share(column)))
                    .Append(Number(step.Overlap))
                    .Append(step.Count.ToString("N0", CultureInfo.InvariantCulture))
            );
        }
    }

    private static string SpeedUps(string name, StepEvaluation[] steps) =>
        Row(
            name,
            HeadFigures.StageCounts.Select(count =>
                HeadFigures.SpeedUp(steps[0].Acceptance, count).ToString("0.00", CultureInfo.InvariantCulture) + "x"
            )
        );

    private static string Range(PositionAcceptance bucket) =>
        bucket.Until is { } until ? $"{bucket.From}-{until - 1}" : $"{bucket.From}+";

    private static string Row(string name, IEnumerable<string> cells) =>
        name.PadRight(24) + string.Concat(cells.Select(cell => cell.PadLeft(11)));

    private static string Number(double share) => share.ToString("0.000", CultureInfo.InvariantCulture);
}
