using System.CommandLine;
using Ppsd.Actors.Planning;
using Ppsd.Host.Distillation;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd distill</c>: trains exit heads by the model they belong to.</summary>
internal sealed class DistillCommand : PpsdCommand
{
    private readonly DistillModelOptions _model = new();
    private readonly DistillHeadOptions _heads = new();
    private readonly DistillDataOptions _data = new();
    private readonly DistillTrainingOptions _training = new();
    private readonly DistillDeviceOptions _devices = new();

    public DistillCommand(TimeProvider clock)
        : base("distill", "Trains exit heads: the model's own distribution is the teacher.", clock)
    {
        Add(_model);
        Add(_heads);
        Add(_data);
        Add(_training);
        Add(_devices);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, Clock);
        var settings = new DistillSettings
        {
            Heads = _heads.Read(parsed, assets),
            DraftVocabulary = _heads.ReadVocabulary(parsed, assets),
            OutputFolder = "",
            Stages = StagePlan.Even(assets.Config.LayerCount, 1),
            Command = CommandOf(parsed),
        };
        settings = _data.Apply(parsed, settings, assets);
        settings = _training.Apply(parsed, settings, assets);
        settings = _devices.Apply(parsed, settings, assets);
        var run = new DistillRun(assets, settings, Clock);
        var figures = run.Run(cancellation);
        foreach (var head in figures)
        {
            foreach (var line in HeadReport.Lines(head))
            {
                StandardOutput.WriteLine(line.TrimEnd());
            }
        }

        foreach (var line in run.Profile)
        {
            StandardOutput.WriteLine(line);
        }

        foreach (var head in settings.Heads)
        {
            StandardOutput.WriteLine($"{head.Name}: {settings.FolderOf(head)}");
        }

        return Task.FromResult(run.LacksPicture ? 1 : 0);
    }

    private static string CommandOf(ParseResult parsed) =>
        "ppsd "
        + string.Join(' ', parsed.Tokens.Select(token => token.Value.Contains(' ') ? $"'{token.Value}'" : token.Value));
}
