using System.Globalization;
using System.Text;
using System.Text.Json;
using Ppsd.Actors.Messages;
using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Bench;

/// <summary>The decode benchmark's result as a table for people and as one JSON object.</summary>
/// <param name="result">The result.</param>
/// <param name="setting">What was measured, in words.</param>
/// <param name="reading">What memory allows; null where it was not measured.</param>
internal sealed class DecodeReport(DecodeBenchResult result, string setting, MemoryReading? reading)
{
    /// <summary>Prints the table.</summary>
    public void Print(IAnsiConsole console)
    {
        console.WriteLine(setting);
        var table = new Table().Border(TableBorder.Simple).AddColumn("");
        table.AddColumn(new TableColumn("autoregressive").RightAligned());
        if (result.HasPpsd)
        {
            table.AddColumn(new TableColumn("ppsd").RightAligned());
        }

        Row(
            "tokens/s, median ± sd of rounds",
            mode => $"{result.TokensPerSecond(mode):N1} ± {result.TokensPerSecondDeviation(mode):N1}"
        );
        if (result.HasPpsd)
        {
            table.AddRow("speed-up, same round", "1", Invariant($"{result.SpeedUp:0.00}"));
        }

        Row("time to first token, ms", mode => $"{result.TimeToFirstTokenMs(mode):0.0}");
        Row("cycle of stage 1, ms", mode => $"{result.CycleMs(mode):0.000}");
        for (var stage = 0; stage < result.StageCount; stage++)
        {
            var at = stage;
            Row($"stage {stage + 1} busy", mode => $"{result.BusyShare(mode, at):P0}");
        }

        console.Write(table);
        PrintFacts(console);

        void Row(string name, Func<DecodeMode, FormattableString> value)
        {
            DecodeMode[] modes = result.HasPpsd
                ? [DecodeMode.Autoregressive, DecodeMode.Ppsd]
                : [DecodeMode.Autoregressive];
            table.AddRow([name, .. modes.Select(mode => Invariant(value(mode)))]);
        }
    }

    /// <summary>One JSON object.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("setting", setting);
            json.WriteNumber("stages", result.StageCount);
            WriteMode(json, "autoregressive", DecodeMode.Autoregressive);
            if (result.HasPpsd)
            {
                WriteMode(json, "ppsd", DecodeMode.Ppsd);
                var model = result.Model;
                json.WriteNumber("speed_up", result.SpeedUp);
                json.WriteBoolean("text_identical", result.IsTextIdentical);
                json.WriteNumber("alpha", result.Alpha);
                json.WriteNumber("tokens_per_run", result.TokensPerRun);
                json.WriteNumber("cancelled_share", result.CancelledShare);
                json.WriteNumber("exit_head_ms", result.ExitHeadMs);
                json.WriteNumber("bound_equation_7", model.Equation7);
                json.WriteNumber("bound_slowest_cycle", model.WithSlowestCycle);
                json.WriteNumber("model_free_cores", model.WithFreeCores);
            }

            json.WriteNumber("hand_over_ms", result.HandOverMs);
            json.WriteStartArray("stage_ms");
            foreach (var ms in result.Model.StageMs)
            {
                json.WriteNumberValue(ms);
            }

            json.WriteEndArray();
            if (reading is not null)
            {
                json.WriteNumber("memory_bytes_per_second", reading.BytesPerSecond);
                json.WriteNumber("memory_share", reading.Share(result.TokensPerSecond(DecodeMode.Autoregressive)));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private void PrintFacts(IAnsiConsole console)
    {
        var facts = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        var model = result.Model;
        Fact(
            "stage times",
            $"{string.Join(", ", model.StageMs.Select(ms => Invariant($"{ms:0.000}")))} ms a candidate, one at a time; a hop {model.HandOverMs:0.000} ms"
        );
        if (reading is not null)
        {
            var plain = result.TokensPerSecond(DecodeMode.Autoregressive);
            Fact(
                "memory",
                $"autoregressive decoding reads {reading.BytesPerToken * plain / 1e9:0.0} GB/s of weights, {reading.Share(plain):P0} of the {reading.BytesPerSecond / 1e9:0.0} GB/s that {reading.Threads} thread{(reading.Threads == 1 ? "" : "s")} read here"
            );
        }

        if (result.HasPpsd)
        {
            Fact("exit head", $"{result.ExitHeadMs:0.000} ms a candidate");
            Fact(
                "drafts",
                $"alpha {result.Alpha:0.000}, {result.TokensPerRun:0.0} tokens a run, {result.CancelledShare:P0} cancelled in flight"
            );
            Fact("eq. 7", $"at most {model.Equation7:0.00}x for {result.StageCount} equal stages at this alpha");
            Fact(
                "slowest cycle",
                $"at most {model.WithSlowestCycle:0.00}x with the slowest stage measured, {model.SlowestStageMs:0.000} ms with its head"
            );
            Fact(
                "free cores",
                $"{model.WithFreeCores:0.00}x ({1000 / model.FreeCoresMsPerToken:N0} tokens/s) by the same times with a core for every stage; this machine has {Environment.ProcessorCount}"
            );
            Fact(
                "text",
                $"{(result.IsTextIdentical ? "identical in both modes, all rounds" : "DIFFERS between the modes: please report this")}"
            );
        }

        console.Write(facts);

        void Fact(string name, FormattableString value) =>
            facts.AddRow(new PlainText(name), new PlainText(Invariant(value)));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private void WriteMode(Utf8JsonWriter json, string name, DecodeMode mode)
    {
        json.WriteStartObject(name);
        json.WriteNumber("tokens_per_second", result.TokensPerSecond(mode));
        json.WriteNumber("tokens_per_second_sd", result.TokensPerSecondDeviation(mode));
        json.WriteNumber("time_to_first_token_ms", result.TimeToFirstTokenMs(mode));
        json.WriteNumber("cycle_ms", result.CycleMs(mode));
        json.WriteStartArray("busy_share");
        for (var stage = 0; stage < result.StageCount; stage++)
        {
            json.WriteNumberValue(result.BusyShare(mode, stage));
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
