using System.Globalization;
using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.Serving;

/// <summary>
/// The serving benchmark's result: the block that <c>vllm bench serve</c> prints, figure by figure, then what only this
/// program measures; or all of it as one JSON object.
/// </summary>
/// <param name="setting">What was measured, in words.</param>
/// <param name="alone">The same one at a time; null when not measured.</param>
/// <param name="overhead">Overhead of the API; null when not measured.</param>
internal sealed class ServeReport(string setting, ServeRound round, ServeRound? alone, OverheadResult? overhead)
{
    private const int Width = 50;

    /// <summary>Tokens per second divided by those of one request at a time; null when not measured.</summary>
    public double? SpeedUp => round.OutputTokensPerSecond / alone?.OutputTokensPerSecond;

    /// <summary>True when a request failed.</summary>
    public bool HasFailures => round.Successes.Count < round.Samples.Count;

    /// <summary>Prints the block.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine(setting);
        Title(" Serving Benchmark Result ", '=');
        Figure("Successful requests:", round.Successes.Count);
        Figure("Failed requests:", round.Samples.Count - round.Successes.Count);
        Figure("Maximum request concurrency:", round.Concurrency);
        Figure("Benchmark duration (s):", round.Elapsed.TotalSeconds);
        Figure("Total input tokens:", round.InputTokens);
        Figure("Total generated tokens:", round.OutputTokens);
        Figure("Request throughput (req/s):", round.Successes.Count / round.Elapsed.TotalSeconds);
        Figure("Output token throughput (tok/s):", round.OutputTokensPerSecond);
        Figure(
            "Total Token throughput (tok/s):",
            (round.InputTokens + round.OutputTokens) / round.Elapsed.TotalSeconds
        );
        Times("Time to First Token", "TTFT", FirstMs(round));
        Times("Time per Output Token (excl. 1st token)", "TPOT", PerTokenMs(round));
        Times("Inter-token Latency", "ITL", GapsMs(round));
        PrintDrafts();
        PrintAlone();
        PrintOverhead();
        output.WriteLine(new string('=', Width));
        foreach (var failure in round.Samples.Select(sample => sample.Failure).OfType<string>().Distinct().Take(3))
        {
            output.WriteLine($"failed: {failure}");
        }

        void PrintDrafts()
        {
            if (round.Alpha > 0)
            {
                Title("Speculative Decoding", '-');
                Figure("Acceptance rate (%):", 100 * round.Alpha);
                Figure("Runs:", round.Successes.Sum(sample => sample.Runs));
                Figure("Draft tokens verified:", round.Successes.Sum(sample => sample.VerifiedDrafts));
                Figure("Accepted tokens:", round.Successes.Sum(sample => sample.AcceptedDrafts));
            }
        }

        void PrintAlone()
        {
            if (alone is not null)
            {
                Title("One request at a time", '-');
                Figure("Output token throughput (tok/s):", alone.OutputTokensPerSecond);
                Figure("Median TTFT (ms):", Statistics.Median(FirstMs(alone)));
                Figure("Median TPOT (ms):", Statistics.Median(PerTokenMs(alone)));
                Figure("Acceptance rate (%):", 100 * alone.Alpha);
                Figure($"Speed-up of {round.Concurrency} at a time:", SpeedUp!.Value);
            }
        }

        void PrintOverhead()
        {
            if (overhead is not null)
            {
                Title("What the API adds to one request", '-');
                Figure("Median TTFT over HTTP (ms):", overhead.HttpFirstMs, 3);
                Figure("Median TTFT in process (ms):", overhead.DirectFirstMs, 3);
                Figure("Added to TTFT (ms):", overhead.AddedFirstMs, 3);
                Figure("Added to TTFT at best (ms):", overhead.AddedFirstAtBestMs, 3);
                Figure("Median TPOT over HTTP (ms):", overhead.HttpPerTokenMs, 4);
                Figure("Median TPOT in process (ms):", overhead.DirectPerTokenMs, 4);
                Figure("Added per token (ms):", overhead.AddedPerTokenMs, 4);
                Figure("Added per token at best (ms):", overhead.AddedPerTokenAtBestMs, 4);
            }
        }

        void Times(string title, string name, IReadOnlyList<double> values)
        {
            Title(title, '-');
            Figure($"Mean {name} (ms):", values.Count == 0 ? double.NaN : values.Average());
            Figure($"Median {name} (ms):", Statistics.Median(values));
            Figure($"P99 {name} (ms):", Statistics.Quantile(values, 0.99));
        }

        void Title(string title, char fill)
        {
            var left = (Width - title.Length) / 2;
            output.WriteLine(title.PadLeft(left + title.Length, fill).PadRight(Width, fill));
        }

        void Figure(string name, double value, int digits = -1)
        {
            var isWhole = digits < 0 && value == Math.Floor(value) && !name.Contains('(', StringComparison.Ordinal);
            var format = isWhole ? "0" : $"F{(digits < 0 ? 2 : digits)}";
            var shown = double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : Figures.Absent;
            output.WriteLine($"{name, -40} {shown}");
        }
    }

    /// <summary>One JSON object.</summary>
    public string ToJson()
    {
        var json = new JsonObject
        {
            ["setting"] = setting,
            ["completed"] = round.Successes.Count,
            ["failed"] = round.Samples.Count - round.Successes.Count,
            ["max_concurrency"] = round.Concurrency,
            ["duration"] = round.Elapsed.TotalSeconds,
            ["total_input_tokens"] = round.InputTokens,
            ["total_output_tokens"] = round.OutputTokens,
            ["request_throughput"] = round.Successes.Count / round.Elapsed.TotalSeconds,
            ["output_throughput"] = round.OutputTokensPerSecond,
            ["total_token_throughput"] = (round.InputTokens + round.OutputTokens) / round.Elapsed.TotalSeconds,
            ["alpha"] = round.Alpha,
        };
        Add("ttft", FirstMs(round));
        Add("tpot", PerTokenMs(round));
        Add("itl", GapsMs(round));
        if (alone is not null)
        {
            json["alone_output_throughput"] = alone.OutputTokensPerSecond;
            json["alone_alpha"] = alone.Alpha;
            json["speed_up"] = SpeedUp;
        }

        if (overhead is not null)
        {
            json["http_ttft_ms"] = overhead.HttpFirstMs;
            json["in_process_ttft_ms"] = overhead.DirectFirstMs;
            json["added_ttft_ms"] = overhead.AddedFirstMs;
            json["added_ttft_at_best_ms"] = overhead.AddedFirstAtBestMs;
            json["added_tpot_at_best_ms"] = overhead.AddedPerTokenAtBestMs;
            json["http_tpot_ms"] = overhead.HttpPerTokenMs;
            json["in_process_tpot_ms"] = overhead.DirectPerTokenMs;
            json["added_tpot_ms"] = overhead.AddedPerTokenMs;
        }

        return Figures.Line(json);

        void Add(string name, IReadOnlyList<double> values)
        {
            json[$"mean_{name}_ms"] = values.Count == 0 ? double.NaN : values.Average();
            json[$"median_{name}_ms"] = Statistics.Median(values);
            json[$"p99_{name}_ms"] = Statistics.Quantile(values, 0.99);
        }
    }

    private static List<double> FirstMs(ServeRound round) =>
        [.. round.Successes.Select(sample => sample.TimeToFirstTokenMs)];

    private static List<double> PerTokenMs(ServeRound round) =>
        [.. round.Successes.Where(sample => sample.OutputTokens > 1).Select(sample => sample.TimePerOutputTokenMs)];

    private static List<double> GapsMs(ServeRound round) => [.. round.Successes.SelectMany(sample => sample.GapsMs)];
}
