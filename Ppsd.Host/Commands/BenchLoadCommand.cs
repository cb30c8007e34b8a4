using System.CommandLine;
using System.Globalization;
using Ppsd.Host.Bench;
using Ppsd.Host.Runtime;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd bench load</c>: holds one stage and keeps its device busy as standard input says, a line with the share of
/// time each; 0 rests. Started by <c>bench decode</c> for its baseline under load, hence hidden.
/// </summary>
internal sealed class BenchLoadCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly Option<int?> _stage = OptionFactory.Number("--stage", "N", "Stage to replay, from 1.", 1, 1024);

    public BenchLoadCommand(TimeProvider clock)
        : base("load", "Keeps a device as busy as a stage does.", clock)
    {
        Hidden = true;
        Add(_model);
        Add(_stages);
        Add(_stage);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var plan = _stages.Plan(parsed, assets);
        var stage = parsed.GetValue(_stage) ?? 1;
        if (stage > plan.Stages.Count)
        {
            throw new UserErrorException($"--stage: expected 1 to {plan.Stages.Count}, found {stage}");
        }

        using var runtime = new StageRuntimeFactory(assets, _stages.Settings(parsed, stagesHere: 1)).Load(
            plan.Stages[stage - 1],
            stage - 1
        );
        var load = new StageLoad(runtime, assets.Config.HiddenSize, Clock);
        StandardOutput.WriteLine($"{LoadProcesses.Announcement}stage {stage}");

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var resting = new CancellationTokenSource();
        var running = Task.CompletedTask;
        while (await NextLineAsync(running, end.Token) is { } line)
        {
            await resting.CancelAsync();
            await running;
            resting.Dispose();
            resting = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
            if (Share(line) is > 0 and var share)
            {
                // A thread of its own, as a stage has.
                var stop = resting.Token;
                running = Task.Factory.StartNew(
                    () => load.Run(share, stop),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default
                );
            }
        }

        await resting.CancelAsync();
        await running;
        resting.Dispose();
        return 0;
    }

    /// <summary>
    /// The next line; if the load fails meanwhile this fails too, so that the error is reported at once.
    /// </summary>
    private static async Task<string?> NextLineAsync(Task running, CancellationToken cancellation)
    {
        var line = Console.In.ReadLineAsync(cancellation).AsTask();
        if (await Task.WhenAny(line, running) == running && !running.IsCompletedSuccessfully)
        {
            await running;
        }

        return await line;
    }

    private static double Share(string line) =>
        double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1
            ? share
            : throw new UserErrorException($"bench load: expected a share from 0 to 1, found '{line}'");
}
