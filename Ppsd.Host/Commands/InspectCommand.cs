using System.CommandLine;
using System.Globalization;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Model;
using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd inspect MODEL</c>: what a checkpoint holds and how it would be cut, without loading weights.</summary>
internal sealed class InspectCommand : PpsdCommand
{
    private readonly Argument<string?> _model = new("MODEL")
    {
        Arity = ArgumentArity.ZeroOrOne,
        Description = "Hugging Face folder of a model of a known family (docs/models.md); the bundled one by default.",
    };

    private readonly Option<string?> _exitHead = OptionFactory.Text("--exit-head", "DIR", "Folder of its exit head.");
    private readonly StageOptions _stages = new();

    public InspectCommand(TimeProvider clock)
        : base("inspect", "Prints layers, parameters, bytes per stage and the stage plan.", clock)
    {
        Add(_model);
        Add(_exitHead);
        Add(_stages);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = Open(parsed.GetValue(_model), parsed.GetValue(_exitHead));
        var plan = _stages.Plan(parsed, assets);
        var config = assets.Config;
        var factory = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 });
        var stages = plan.Stages.Select(layers => factory.OptionsFor(layers)).ToList();

        // What generate would refuse is refused here: it is what people look for before a long download or a long load.
        stages.ForEach(StageTensorCheck.Require);
        _ = assets.Tokenizer;
        ModelWarnings.Write(assets, withTokenizer: true);
        using var checkpoint = Checkpoint.Open(assets.Folder);
        var summary = checkpoint.Summarize();

        var facts = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn();
        Fact("model", $"{assets.Name} ({config.Architecture})");
        Fact(
            "parameters",
            $"{summary.ParameterCount:N0} in {summary.TensorCount} tensors, {summary.ByteCount:N0} bytes, {string.Join(", ", summary.Dtypes)}"
        );
        Fact(
            "layers",
            $"{config.LayerCount}: hidden {config.HiddenSize}, feed-forward {config.IntermediateSize}, {config.HeadCount} heads, {config.KvHeadCount} KV heads of {config.HeadSize}"
        );
        var differences = FamilyDifferences.Of(config);
        Fact("differs by", $"{(differences.Count == 0 ? "nothing: a plain LLaMA" : string.Join(", ", differences))}");
        Fact("vocabulary", $"{config.VocabSize:N0} tokens, embeddings {Ties(config)}");
        Fact(
            "context",
            $"{config.MaxPositions:N0} tokens, rotary embedding {config.Rope.Kind.ToString().ToLowerInvariant()}, theta {Theta(config.Rope.Theta)}"
        );
        Fact("fingerprint", $"{assets.Fingerprint}");
        Fact(
            "exit head",
            assets.ExitHead is { } head
                ? $"{head.Kind.ToString().ToLowerInvariant()} after layer {head.ExitLayer} ({assets.ExitHeadFolder})"
                : (FormattableString)$"none"
        );
        if (assets.ExitHead?.Vocabulary is { } drafted)
        {
            Fact("draft vocabulary", $"{drafted.Count:N0} of {config.VocabSize:N0} tokens");
        }

        OutputConsole.Open().Write(facts);

        var table = new Table()
            .Border(TableBorder.Simple)
            .AddColumns("stage", "layers", "holds", "weights", "KV per token");
        for (var stage = 0; stage < plan.Stages.Count; stage++)
        {
            var options = stages[stage];
            var footprint = StageFootprint.Of(options);
            table.AddRow(
                Invariant($"{stage + 1}"),
                Invariant($"{plan.Stages[stage].First + 1} to {plan.Stages[stage].End}"),
                Parts(options),
                Invariant($"{footprint.WeightBytes:N0} bytes"),
                Invariant($"{footprint.KvValuesPerToken * 4:N0} bytes (fp32)")
            );
        }

        OutputConsole.Open().Write(table);
        return Task.FromResult(0);

        void Fact(string name, FormattableString value) =>
            facts.AddRow(new Markup($"[grey]{name}[/]"), new PlainText(Invariant(value)));
    }

    private ModelAssets Open(string? folder, string? exitHead)
    {
        using var hashing = HashingView.Open(folder, Clock);
        return ModelAssets.Open(folder, exitHead, Clock, hashing);
    }

    private static string Parts(StageModelOptions options)
    {
        var parts = new List<string>();
        if (options.IsFirst)
        {
            parts.Add("embedding");
        }

        if (options.HoldsExitHead)
        {
            parts.Add("exit head");
        }

        if (options.IsLast)
        {
            parts.Add("target head");
        }

        return parts.Count == 0 ? "-" : string.Join(", ", parts);
    }

    // The file decides, so what it holds is said where the config says something else.
    private static string Ties(ModelConfig config) =>
        config.HoldsOnlyLmHead ? "tied (the file holds only the LM head)"
        : config.TieWordEmbeddings == config.TiesByConfig ? (config.TieWordEmbeddings ? "tied" : "not tied")
        : config.TieWordEmbeddings ? "tied (the file holds no LM head)"
        : "not tied (the config ties them, but the file holds an LM head)";

    private static string Theta(double theta) =>
        theta.ToString(theta < 1e12 ? "N0" : "0.###e+0", CultureInfo.InvariantCulture);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
