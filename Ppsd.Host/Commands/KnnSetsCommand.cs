using System.CommandLine;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Host.Rivals.Knn;
using Ppsd.Host.Rivals.Search;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd knn-sets</c>: the sublayers that KNN-SSD skips for each task, and the points that stand for its prompts.</summary>
internal sealed class KnnSetsCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();

    private readonly Option<string[]> _tasks = OptionFactory.Texts(
        "--task",
        "NAME=FILE",
        "JSON lines with prompts of a task, as --prompts of generate takes them; may be given several times."
    );

    private readonly Option<int?> _trials = OptionFactory.Number(
        "--trials",
        "N",
        "Sets tried for each task; 60 by default.",
        1,
        10_000
    );

    private readonly Option<int?> _prompts = OptionFactory.Number(
        "--feature-prompts",
        "N",
        "Prompts of each task whose features are clustered, at most; 200 by default.",
        1,
        100_000
    );

    private readonly Option<int?> _seed = OptionFactory.Number(
        "--seed",
        "N",
        "Key of what is drawn; 1 by default.",
        0,
        int.MaxValue
    );

    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "FILE",
        "The file; by default the model's folder with -knn-sets.json behind its name."
    );

    public KnnSetsCommand(TimeProvider clock)
        : base("knn-sets", "Finds what --decode knn-ssd skips, task by task, by measuring speeds.", clock)
    {
        Add(_model);
        Add(_tasks);
        Add(_trials);
        Add(_prompts);
        Add(_seed);
        Add(_out);
        Add(_stages);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var tasks = Read(parsed, assets, cancellation);
        var longest = tasks.SelectMany(task => task.Prompts).Max(prompt => prompt.Length);
        var loader = new RivalLoader(
            assets,
            StagePlan.Even(assets.Config.LayerCount, 1),
            _stages.Settings(parsed, stagesHere: 1),
            longest + KnnSetFinder.Tokens,
            Clock
        );
        var finder = new KnnSetFinder(loader, assets, parsed.GetValue(_trials) ?? 60, parsed.GetValue(_seed) ?? 1);
        var path = parsed.GetValue(_out) ?? KnnSets.FileBeside(assets);
        UserFiles.RequireWritable("--out", path);
        var sets = finder.Find(tasks, Console.Error.WriteLine, cancellation);
        sets.Write(path);
        Console.Error.WriteLine($"written: {path}");
        return Task.FromResult(0);
    }

    private List<KnnPrompts> Read(ParseResult parsed, ModelAssets assets, CancellationToken cancellation)
    {
        var given = parsed.GetValue(_tasks)!;
        if (given.Length == 0)
        {
            throw new UserErrorException("--task: expected NAME=FILE at least once, found none");
        }

        var most = parsed.GetValue(_prompts) ?? 200;
        return
        [
            .. given.Select(task =>
                task.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } file]
                    ? new KnnPrompts(name, [.. PromptFile.Read(file, assets, cancellation).Take(most)])
                    : throw new UserErrorException($"--task: expected NAME=FILE, found '{task}'")
            ),
        ];
    }
}
