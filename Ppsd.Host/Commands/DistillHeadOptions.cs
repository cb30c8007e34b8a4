using System.CommandLine;
using Ppsd.Host.Models;
using Ppsd.Kernels.Distillation.Heads;

namespace Ppsd.Host.Commands;

/// <summary>Options that say which heads are trained.</summary>
internal sealed class DistillHeadOptions : IOptionGroup
{
    private const int DefaultDepth = 4;

    private static readonly string[] _kinds = ["norm", "mlp", "transformer", "chain"];

    private readonly Option<int[]?> _exitLayer = OptionFactory.Counts(
        "--exit-layer",
        "E,E,…",
        "Layers of the model before the head; a quarter of them by default. Several train a head each."
    );

    private readonly Option<string?> _head = OptionFactory.Text(
        "--head",
        "norm|mlp|transformer|chain",
        "Kind of head, transformer by default; several between commas train each kind at each exit layer."
    );

    private readonly Option<int?> _layers = OptionFactory.Number(
        "--layers",
        "N",
        "Layers of a transformer head; 1 by default.",
        1,
        64
    );

    private readonly Option<int?> _depth = OptionFactory.Number(
        "--depth",
        "N",
        "Tokens a chain head drafts in a row; 4 by default.",
        2,
        16
    );

    private readonly Option<int?> _vocabulary = OptionFactory.Number(
        "--draft-vocabulary",
        "N",
        "Drafts only the N most frequent tokens of the answers, and those that end a text: less of the LM head is read; all by default.",
        1,
        1 << 24
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        command.Options.Add(_exitLayer);
        command.Options.Add(_head);
        command.Options.Add(_layers);
        command.Options.Add(_depth);
        command.Options.Add(_vocabulary);
    }

    /// <summary>The heads, exit layer by exit layer.</summary>
    /// <exception cref="UserErrorException">One does not fit the model, or is named twice.</exception>
    public IReadOnlyList<HeadSpec> Read(ParseResult parsed, ModelAssets assets)
    {
        var modelLayers = assets.Config.LayerCount;
        int[] exitLayers = parsed.GetValue(_exitLayer) is { Length: > 0 } given
            ? given
            : [Math.Max(1, modelLayers / 4)];
        var kinds = (parsed.GetValue(_head) ?? "transformer").Split(',').Select(Kind).ToArray();
        foreach (var layer in exitLayers)
        {
            if (layer > modelLayers)
            {
                throw new UserErrorException(
                    $"--exit-layer: expected 1 to {modelLayers} (the model's layers), found {layer}"
                );
            }
        }

        Require(_layers, TrainedHeadKind.Transformer, "a transformer head");
        Require(_depth, TrainedHeadKind.Chain, "a chain head");
        if (kinds.Contains(TrainedHeadKind.Chain))
        {
            RequireWindow(parsed.GetValue(_depth) ?? DefaultDepth, assets.Config.Layers.SlidingWindow);
        }

        HeadSpec[] heads =
        [
            .. exitLayers.SelectMany(layer =>
                kinds.Select(kind => new HeadSpec(
                    kind,
                    layer,
                    kind == TrainedHeadKind.Transformer ? parsed.GetValue(_layers) ?? 1 : 1,
                    kind == TrainedHeadKind.Chain ? parsed.GetValue(_depth) ?? DefaultDepth : 1
                ))
            ),
        ];
        return heads.GroupBy(head => head.Name).FirstOrDefault(group => group.Count() > 1) is { } twice
            ? throw new UserErrorException($"--exit-layer, --head: {twice.Key} was asked for twice")
            : heads;

        void Require(Option<int?> option, TrainedHeadKind kind, string what)
        {
            if (parsed.GetValue(option) is not null && !kinds.Contains(kind))
            {
                throw new UserErrorException($"{option.Name}: expected {what} (--head), found none");
            }
        }
    }

    /// <summary>How many tokens heads draft; 0 for all.</summary>
    /// <exception cref="UserErrorException">The model has fewer, or more than that end a text.</exception>
    public int ReadVocabulary(ParseResult parsed, ModelAssets assets)
    {
        if (parsed.GetValue(_vocabulary) is not { } count)
        {
            return 0;
        }

        if (assets.Synthetic is not null)
        {
            throw new UserErrorException($"{_vocabulary.Name}: cannot be given with --synthetic");
        }

        var (least, most) = (assets.EndTokenIds.Count + 1, assets.Config.VocabSize);
        return count >= least && count <= most
            ? count
            : throw new UserErrorException(
                $"{_vocabulary.Name}: expected {least} to {most} (the model's vocabulary), found {count}"
            );
    }

    /// <summary>Each step of a chain attends to all steps before it and to the token they start from.</summary>
    private static void RequireWindow(int depth, int? window)
    {
        if (depth > window)
        {
            throw new UserErrorException($"--depth: expected at most {window} (the model's window), found {depth}");
        }
    }

    private static TrainedHeadKind Kind(string word) =>
        Array.IndexOf(_kinds, word) is var index and >= 0
            ? (TrainedHeadKind)index
            : throw new UserErrorException($"--head: expected {string.Join(" or ", _kinds)}, found '{word}'");
}
