using Ppsd.Actors.Planning;
using Ppsd.Kernels.Model;
using Spectre.Console;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Progress of loading on standard error where it takes longer than a moment: a bar per stage on a terminal, a line per
/// stage elsewhere. Told from several stages' threads at once.
/// </summary>
internal sealed class LoadingView : IDisposable
{
    private static readonly TimeSpan _moment = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _momentBeforeBars = TimeSpan.FromMilliseconds(300);

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly long _opened;
    private readonly LoadProgress[] _latest;
    private readonly LayerRange[] _layers;
    private readonly bool[] _done;
    private readonly bool _isTerminal;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _bars;

    private LoadingView(int stageCount, bool isTerminal, TimeProvider clock)
    {
        _clock = clock;
        _opened = clock.GetTimestamp();
        _isTerminal = isTerminal;
        _latest = new LoadProgress[stageCount];
        _layers = new LayerRange[stageCount];
        _done = new bool[stageCount];
        _bars = isTerminal ? ShowBarsAsync() : Task.CompletedTask;
    }

    /// <summary>Opens the view.</summary>
    /// <param name="stageCount">Stages that will load.</param>
    public static LoadingView Open(int stageCount, TimeProvider clock) =>
        new(stageCount, ErrorConsole.IsTerminal, clock);

    /// <summary>A stage has loaded another part.</summary>
    public void Report(int stage, LayerRange layers, LoadProgress progress)
    {
        lock (_lock)
        {
            _latest[stage] = progress;
            _layers[stage] = layers;
            if (_done[stage] || progress.LoadedBytes < progress.TotalBytes)
            {
                return;
            }

            _done[stage] = true;
            if (!_isTerminal && _clock.GetElapsedTime(_opened) > _moment)
            {
                Console.Error.WriteLine($"{Title(stage)}: {Megabytes(progress.LoadedBytes)} MB loaded");
            }
        }
    }

    public void Dispose()
    {
        _closed.TrySetResult();
        _bars.GetAwaiter().GetResult();
    }

    private async Task ShowBarsAsync()
    {
        await Task.WhenAny(_closed.Task, Task.Delay(_momentBeforeBars));
        if (_closed.Task.IsCompleted)
        {
            return;
        }

        await ErrorConsole
            .Open()
            .Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn()
            )
            .StartAsync(async context =>
            {
                var bars = Enumerable.Range(0, _latest.Length).Select(stage => context.AddTask(Title(stage))).ToList();
                while (!_closed.Task.IsCompleted)
                {
                    Update(bars);
                    await Task.WhenAny(_closed.Task, Task.Delay(50));
                }

                Update(bars);
            });
    }

    private void Update(List<ProgressTask> bars)
    {
        lock (_lock)
        {
            for (var stage = 0; stage < bars.Count; stage++)
            {
                var progress = _latest[stage];
                bars[stage].Description =
                    progress.TotalBytes == 0
                        ? Title(stage)
                        : $"{Title(stage)}, {Megabytes(progress.LoadedBytes)}/{Megabytes(progress.TotalBytes)} MB";
                bars[stage].MaxValue = Math.Max(1, progress.TotalBytes);
                bars[stage].Value = progress.LoadedBytes;
            }
        }
    }

    private string Title(int stage)
    {
        var layers = _layers[stage];
        return layers.Count == 0
            ? $"stage {stage + 1}/{_latest.Length}"
            : $"stage {stage + 1}/{_latest.Length}: layers {layers.First + 1} to {layers.End}";
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString(bytes < 100_000_000 ? "0.0" : "0");
}
