using System.CommandLine;
using Ppsd.Host.Bench.Paper;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench paper</c>: the paper's experiments, its rivals and its open checks, as one report.</summary>
internal sealed class BenchPaperCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly BenchPromptOptions _prompts = new();
    private readonly NodeOptions _node = new();

    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "DIR",
        "Folder of the report; a run that was broken off goes on there."
    );

    private readonly Option<bool> _short = OptionFactory.Switch(
        "--short",
        "A form that ends within a minute on two cores and shows that all of it works, not more."
    );

    private readonly Option<int?> _tokens = OptionFactory.Number(
        "--max-tokens",
        "N",
        "Tokens of each text; 96 by default.",
        2,
        100_000
    );

    private readonly Option<int?> _rounds = OptionFactory.Number(
        "--repetitions",
        "N",
        "Rounds of each measurement; 3 by default.",
        1,
        1000
    );

    private readonly Option<double?> _acceptance = OptionFactory.Number(
        "--draft-acceptance",
        "A",
        "Replays drafts at a share A of positions, for synthetic models.",
        0.0,
        1.0
    );

    private readonly Option<string[]> _heads = OptionFactory.Texts(
        "--heads",
        "DIR",
        "Folder with folders of further exit heads of the model; may be given several times."
    );

    public BenchPaperCommand(TimeProvider clock)
        : base(
            "paper",
            "Repeats the paper's experiments with its rivals on the same kernels, and writes a report.",
            clock
        )
    {
        Add(_out);
        Add(_short);
        Add(_model);
        Add(_heads);
        Add(_prompts);
        Add(_tokens);
        Add(_rounds);
        Add(_acceptance);
        Add(_stages);
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var folder = parsed.GetValue(_out) ?? throw new UserErrorException("--out: expected a folder, found none");
        var assets = _model.Open(parsed, _stages, Clock);
        if ((assets.Synthetic is null) != (parsed.GetValue(_acceptance) is null))
        {
            throw new UserErrorException(
                assets.Synthetic is null
                    ? $"--draft-acceptance: expected --synthetic with it, found {assets.Folder}"
                    : "--synthetic: expected --draft-acceptance with it, since nobody has its heads, found none"
            );
        }

        var isShort = parsed.GetValue(_short);
        var prompts = _prompts.Read(parsed, assets);
        var settings = new PaperSettings
        {
            Assets = assets,
            Heads = [.. HeadsOf(parsed, assets)],

            // A device of the CPU is a core, for a stage and for the whole model alike.
            Stages = _stages.Settings(parsed, stagesHere: Environment.ProcessorCount),
            Node = _node.Settings(parsed),
            Prompts = isShort ? [prompts[0]] : prompts,
            Tokens = parsed.GetValue(_tokens) ?? (isShort ? 16 : 96),
            Rounds = parsed.GetValue(_rounds) ?? (isShort ? 1 : 3),
            Acceptance = parsed.GetValue(_acceptance),
            IsShort = isShort,
            Folder = folder,
        };
        var begun = Clock.GetTimestamp();
        var cells = await new PaperBench(settings, Clock, Console.Error.WriteLine).RunAsync(cancellation);
        var report = new PaperReport(settings, cells);
        report.Write();
        Console.Error.WriteLine(
            FormattableString.Invariant(
                $"written in {Clock.GetElapsedTime(begun).TotalSeconds:0} s: {Path.Combine(folder, PaperReport.PageName)}, {PaperReport.MarkdownName} and pictures beside it"
            )
        );
        if (report.Differing.Count == 0)
        {
            return 0;
        }

        Console.Error.WriteLine(
            $"texts DIFFER from plain decoding in {string.Join(", ", report.Differing)}: please report this"
        );
        return 1;
    }

    private IEnumerable<ModelAssets> HeadsOf(ParseResult parsed, ModelAssets assets)
    {
        if (assets.Synthetic is not null)
        {
            return [];
        }

        var parents = parsed.GetValue(_heads)!;
        if (Array.Find(parents, parent => !Directory.Exists(parent)) is { } missing)
        {
            throw new UserErrorException($"--heads: expected a folder, found no {missing}");
        }

        var own = _model.NamesExitHead(parsed) ? (IEnumerable<ModelAssets>)[assets] : [];
        var beside = NormHeads.FolderBeside(assets);
        var folders = parents
            .Concat(Directory.Exists(beside) ? [beside] : [])
            .SelectMany(Directory.GetDirectories)
            .Where(head => ModelFinder.IsHeadFor(head, assets.Fingerprint))
            .Order(StringComparer.Ordinal);
        return [.. own, .. folders.Select(head => WithHead(assets, head)), .. assets.WithEachExitHead()];
    }

    private static ModelAssets WithHead(ModelAssets assets, string folder)
    {
        var head = ExitHeadConfig.Read(folder);
        head.RequireFits(assets.Config, assets.Fingerprint);
        return assets with { ExitHeadFolder = folder, ExitHead = head };
    }
}
