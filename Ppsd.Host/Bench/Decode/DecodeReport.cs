using System.Text.Json.Nodes;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Bench.Decode;

/// <summary>Draws the decode benchmark's report from its result.</summary>
/// <param name="setting">What was measured, in words.</param>
/// <param name="reading">What memory allows; null where it was not measured.</param>
internal sealed class DecodeReport(DecodeBenchResult result, string setting, MemoryReading? reading)
{
    /// <summary>The report.</summary>
    public BenchReport Create() =>
        new()
        {
            Setting = setting,
            Tables = result.HasPpsd ? [ArmTable(), SourceTable.Of(result.Sources)] : [ArmTable()],
            Facts = [.. Facts()],
            Json = Json(),
        };

    private BenchTable ArmTable()
    {
        var rows = new List<IReadOnlyList<string>>();
        Row(
            "tokens/s, median ± sd of rounds",
            arm => $"{result.TokensPerSecond(arm):N1} ± {result.TokensPerSecondDeviation(arm):N1}"
        );
        if (result.HasPpsd)
        {
            Row("speed-up of ppsd, same round", arm => $"{(arm == BenchArm.Ppsd ? 1 : result.SpeedUpOver(arm)):0.00}");
        }

        Row("time to first token, ms", arm => $"{result.TimeToFirstTokenMs(arm):0.0}");
        Row("cycle of stage 1, ms", arm => $"{result.CycleMs(arm):0.000}");
        for (var stage = 0; stage < result.StageCount; stage++)
        {
            var at = stage;
            Row(
                $"stage {stage + 1} busy",
                arm =>
                    at < result.Rounds(arm)[0].Stages.Count ? (FormattableString)$"{result.BusyShare(arm, at):P0}" : $""
            );
        }

        return new BenchTable(["", .. result.Arms.Select(NameOf)], rows);

        void Row(string name, Func<BenchArm, FormattableString> value) =>
            rows.Add([name, .. result.Arms.Select(arm => Invariant(value(arm)))]);
    }

    private IEnumerable<(string Name, string Value)> Facts()
    {
        var model = result.Model;
        yield return Fact(
            "stage times",
            $"{Times(result.StageMs)} ms a candidate, one at a time; a hop {model.HandOverMs:0.000} ms"
        );
        if (reading is not null)
        {
            var plain = result.TokensPerSecond(BenchArm.Autoregressive);
            yield return Fact(
                "memory",
                $"autoregressive decoding reads {reading.BytesPerToken * plain / 1e9:0.0} GB/s of weights, {reading.Share(plain):P0} of the {reading.BytesPerSecond / 1e9:0.0} GB/s that {reading.Threads} thread{(reading.Threads == 1 ? "" : "s")} read here"
            );
        }

        yield return Fact(
            "stages",
            $"loaded in {string.Join(", ", result.Status.Select(stage => Invariant($"{stage.LoadMs / 1000:0.00}")))} s; host memory {string.Join(", ", result.Status.Select(stage => Invariant($"{stage.HostMemoryBytes / 1048576.0:0}")))} MiB"
        );
        if (!result.HasPpsd)
        {
            yield break;
        }

        yield return Fact("together", $"{Times(result.StageMsTogether)} ms a candidate while all stages work");
        yield return Fact(
            "rows",
            $"{Times(result.RowsPerStep)} candidates a step, which then takes {Times(stage => result.StageMsTogether(stage) / result.StageMs(stage))} of a step of one; {result.StepsPerToken:0.000} steps a token"
        );
        yield return Fact("exit head", $"{result.ExitHeadMs:0.000} ms a step");
        yield return Fact(
            "drafts",
            $"alpha {result.Alpha:0.000}, {result.TokensPerRun:0.0} tokens a run, {result.AcceptedPerCycle:0.00} accepted of {result.RowsPerCycle:0.00} rows a cycle, {result.CancelledShare:P0} cancelled in flight"
        );
        yield return Fact(
            "bound",
            $"{result.BoundTokensPerSecond:N1} tokens/s if only the stages took time, by their times together; ppsd reaches {result.ShareOfBound:P1} of it"
        );
        if (result.HasOneRowACycle)
        {
            yield return Fact(
                "eq. 7",
                $"at most {model.Equation7:0.00}x for {result.StageCount} equal stages at this alpha"
            );
            yield return Fact(
                "slowest cycle",
                $"at most {model.WithSlowestCycle:0.00}x with the slowest stage measured, {model.SlowestStageMs:0.000} ms with its head"
            );
        }

        yield return Fact(
            "free cores",
            $"{model.WithFreeCores:0.00}x ({1000 / model.FreeCoresMsPerToken:N0} tokens/s) by the same times with a core for every stage; this machine has {Environment.ProcessorCount}"
        );
        yield return Fact(
            "overhead",
            $"a cycle lasts {result.CycleOverheadMs:0.000} ms beyond the device's work; a rejecting verdict lies {result.RejectionMs:0.000} ms at stage 1 before its new run begins"
        );
        yield return Fact(
            "allocation",
            $"{result.DeviceBytesPerToken(BenchArm.Ppsd):N0} bytes a token in device steps, {result.ProtocolBytesPerToken(BenchArm.Ppsd):N0} in the stages' protocol"
        );
        yield return (
            "text",
            result.IsTextIdentical
                ? "identical in both modes, all rounds"
                : "DIFFERS between the modes: please report this"
        );
    }

    private JsonObject Json()
    {
        var json = new JsonObject { ["setting"] = setting, ["stages"] = result.StageCount };
        foreach (var arm in result.Arms)
        {
            json[KeyOf(arm)] = Json(arm);
        }

        json["hand_over_ms"] = result.HandOverMs;
        json["stage_ms"] = Numbers(result.StageMs);
        json["load_ms"] = new JsonArray([.. result.Status.Select(stage => (JsonNode)stage.LoadMs)]);
        json["host_memory_bytes"] = new JsonArray([.. result.Status.Select(stage => (JsonNode)stage.HostMemoryBytes)]);
        if (reading is not null)
        {
            json["memory_bytes_per_second"] = reading.BytesPerSecond;
            json["memory_share"] = reading.Share(result.TokensPerSecond(BenchArm.Autoregressive));
        }

        if (!result.HasPpsd)
        {
            return json;
        }

        var model = result.Model;
        json["speed_up"] = result.SpeedUpOver(BenchArm.Autoregressive);
        foreach (var arm in result.Arms.Where(arm => arm > BenchArm.Ppsd))
        {
            json[$"speed_up_over_{KeyOf(arm)}"] = result.SpeedUpOver(arm);
        }

        json["text_identical"] = result.IsTextIdentical;
        json["alpha"] = result.Alpha;
        json["tokens_per_run"] = result.TokensPerRun;
        json["cancelled_share"] = result.CancelledShare;
        json["accepted_per_cycle"] = result.AcceptedPerCycle;
        json["rows_per_cycle"] = result.RowsPerCycle;
        json["sources"] = SourceTable.Json(result.Sources);
        json["stage_ms_together"] = Numbers(result.StageMsTogether);
        json["rows_per_step"] = Numbers(result.RowsPerStep);
        json["steps_per_token"] = result.StepsPerToken;
        json["exit_head_ms"] = result.ExitHeadMs;
        json["bound_tokens_per_second"] = result.BoundTokensPerSecond;
        json["share_of_bound"] = result.ShareOfBound;
        json["bound_equation_7"] = model.Equation7;
        json["bound_slowest_cycle"] = model.WithSlowestCycle;
        json["model_free_cores"] = model.WithFreeCores;
        json["cycle_overhead_ms"] = result.CycleOverheadMs;
        json["rejection_ms"] = result.RejectionMs;
        json["device_bytes_per_token"] = result.DeviceBytesPerToken(BenchArm.Ppsd);
        json["protocol_bytes_per_token"] = result.ProtocolBytesPerToken(BenchArm.Ppsd);
        return json;
    }

    private JsonObject Json(BenchArm arm) =>
        new()
        {
            ["tokens_per_second"] = result.TokensPerSecond(arm),
            ["tokens_per_second_sd"] = result.TokensPerSecondDeviation(arm),
            ["time_to_first_token_ms"] = result.TimeToFirstTokenMs(arm),
            ["cycle_ms"] = result.CycleMs(arm),
            ["busy_share"] = new JsonArray([
                .. Enumerable
                    .Range(0, result.Rounds(arm)[0].Stages.Count)
                    .Select(stage => (JsonNode)result.BusyShare(arm, stage)),
            ]),
        };

    private JsonArray Numbers(Func<int, double> ofStage) =>
        new([.. Enumerable.Range(0, result.StageCount).Select(stage => (JsonNode)ofStage(stage))]);

    private string Times(Func<int, double> ofStage)
    {
        var times = Enumerable
            .Range(0, result.StageCount)
            .Select(stage => Invariant($"{ofStage(stage):0.000}"))
            .ToList();
        return times.TrueForAll(time => time == Figures.Absent) ? Figures.Absent : string.Join(", ", times);
    }

    /// <summary>A fact with a figure that could not be computed is absent as a whole.</summary>
    private static (string Name, string Value) Fact(string name, FormattableString value) =>
        (name, value.GetArguments().Any(Figures.IsAbsent) ? Figures.Absent : Invariant(value));

    private static string NameOf(BenchArm arm) =>
        arm switch
        {
            BenchArm.Autoregressive => "autoregressive",
            BenchArm.Ppsd => "ppsd",
            BenchArm.OneDevice => "one device",
            BenchArm.OneDeviceLoaded => "one device, loaded",
            _ => throw new ArgumentOutOfRangeException(nameof(arm)),
        };

    private static string KeyOf(BenchArm arm) =>
        NameOf(arm).Replace(", ", "_", StringComparison.Ordinal).Replace(' ', '_');
}
