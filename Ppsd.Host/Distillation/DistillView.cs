using System.Globalization;
using Ppsd.Host.Terminal;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ppsd.Host.Distillation;

/// <summary>Progress on standard error: a bar on a terminal, elsewhere a line every ten seconds.</summary>
internal sealed class DistillView(TimeProvider clock)
{
    private static readonly TimeSpan _lineEvery = TimeSpan.FromSeconds(10);

    private long _lastLine;
    private ProgressTask? _bar;

    /// <summary>Runs work under a bar.</summary>
    public void Run(Action work)
    {
        if (!ErrorConsole.IsTerminal)
        {
            work();
            return;
        }

        ErrorConsole
            .Open()
            .Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentageColumn(),
                new LeftColumn()
            )
            .Start(context =>
            {
                _bar = context.AddTask("starting");
                work();
                _bar = null;
            });
    }

    /// <summary>Writes a line.</summary>
    public static void Note(string line) => Console.Error.WriteLine(line);

    /// <summary>Reports how many texts the target has written.</summary>
    public void ReportWriting(string what, int written, int count) =>
        Report(Invariant($"writing {what}: {written}/{count} texts"), written, count, null, written == count);

    /// <summary>Reports a completed step.</summary>
    public void ReportStep(DistillProgress progress)
    {
        var text = Invariant(
            $"step {progress.Step}/{progress.Steps}, {progress.TokensPerSecond:N0} tokens/s, loss {progress.Loss:0.000}, acceptance {progress.Acceptance:0.000}"
        );
        Report(text, progress.Step, progress.Steps, progress.Left, progress.Step == progress.Steps);
    }

    private void Report(string text, int value, int max, TimeSpan? left, bool isLast)
    {
        if (_bar is { } bar)
        {
            bar.Description = Markup.Escape(text);
            bar.MaxValue = max;
            bar.Value = value;
            bar.State.Update<TimeSpan>("left", _ => left ?? TimeSpan.Zero);
            return;
        }

        if (!isLast && _lastLine != 0 && clock.GetElapsedTime(_lastLine) < _lineEvery)
        {
            return;
        }

        _lastLine = clock.GetTimestamp();
        Note(left is { } time && !isLast ? $"{text}, {Duration(time)} left" : text);
    }

    private static string Duration(TimeSpan time) =>
        time.TotalHours >= 1
            ? time.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture)
            : time.ToString(@"m\:ss", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>Time left, computed by the run. Spectre's own estimate averages over too short a time for long steps.</summary>
    private sealed class LeftColumn : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Spectre.Console.Text(
                task.State.Get<TimeSpan>("left") is { Ticks: > 0 } left ? $"{Duration(left)} left" : ""
            );
    }
}

/// <summary>Progress of training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">All steps.</param>
/// <param name="TokensPerSecond">All tokens a second, over the last steps.</param>
/// <param name="Loss">Mean loss of the first head.</param>
/// <param name="Acceptance">Acceptance of the first head on the last batch.</param>
/// <param name="Left">Time left.</param>
internal readonly record struct DistillProgress(
    int Step,
    int Steps,
    double TokensPerSecond,
    double Loss,
    double Acceptance,
    TimeSpan? Left
);
