using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host.Models;

/// <summary>Everything the program knows about a model except its weights, loaded from a folder or synthetic.</summary>
internal sealed record ModelAssets
{
    private readonly Lazy<ITextTokenizer> _tokenizer;

    private ModelAssets(SyntheticModel model)
    {
        Folder = "";
        Name = $"synthetic {model.Preset}";
        Synthetic = model;
        Config = model.Config;
        Generation = new GenerationConfig();
        Fingerprint = model.Fingerprint;
        ExitHead = model.ExitHead;
        _tokenizer = new Lazy<ITextTokenizer>(() => new TokenIdTokenizer(Config.VocabSize));
        FoundChatTemplate = new Lazy<ChatTemplate?>(() => null);
    }

    private ModelAssets(
        string folder,
        ModelConfig config,
        string fingerprint,
        string? exitHeadFolder,
        ExitHeadConfig? exitHead,
        TimeProvider clock
    )
    {
        Folder = folder;
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        Config = config;
        Generation = GenerationConfig.Read(folder);
        Fingerprint = fingerprint;
        ExitHeadFolder = exitHeadFolder;
        ExitHead = exitHead;
        _tokenizer = new Lazy<ITextTokenizer>(() => TokenizerLoader.Load(folder));
        FoundChatTemplate = new Lazy<ChatTemplate?>(() => ChatTemplateLoader.TryLoad(folder, clock));
    }

    /// <summary>The folder; empty for a synthetic model.</summary>
    public string Folder { get; }

    /// <summary>How its weights are made up; null when they are read from the folder.</summary>
    public SyntheticModel? Synthetic { get; }

    /// <summary>The plan it was opened with; null without one.</summary>
    public PlanFile? Plan { get; init; }

    /// <summary>Its name, for people.</summary>
    public string Name { get; }

    /// <summary>The architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>How its makers want it sampled.</summary>
    public GenerationConfig Generation { get; }

    /// <summary>Fingerprint of the weights.</summary>
    public string Fingerprint { get; }

    /// <summary>Folder of the exit head; null without one.</summary>
    public string? ExitHeadFolder { get; init; }

    /// <summary>The exit head; null without one.</summary>
    public ExitHeadConfig? ExitHead { get; init; }

    /// <summary>Options that make another process on this machine open the same model.</summary>
    public IReadOnlyList<string> Arguments =>
        [
            .. Synthetic is { } synthetic ? synthetic.Arguments
            : ExitHeadFolder is { } head ? ["--model", Folder, "--exit-head", head]
            : ["--model", Folder],
            .. ChatTemplateFile is { } template ? (string[])["--chat-template", template] : [],
        ];

    /// <summary>The tokenizer, loaded when first asked for.</summary>
    /// <exception cref="TextException">It cannot be loaded.</exception>
    public ITextTokenizer Tokenizer => _tokenizer.Value;

    /// <summary>The chat template, loaded when first asked for.</summary>
    /// <exception cref="TextException">There is none, or it cannot be read.</exception>
    public ChatTemplate ChatTemplate =>
        FoundChatTemplate.Value
        ?? throw (
            Synthetic is null
                ? ChatTemplateLoader.Missing(Folder)
                : new TextException("expected raw prompts of token ids: a synthetic model has no chat template")
        );

    /// <summary>The file that was named in place of the model's own template; null without one.</summary>
    public string? ChatTemplateFile { get; private init; }

    private Lazy<ChatTemplate?> FoundChatTemplate { get; init; }

    /// <summary>The model with the chat template of a file, which is read at once.</summary>
    /// <exception cref="TextException">It cannot be read.</exception>
    public ModelAssets WithChatTemplate(string path, TimeProvider clock)
    {
        var template = ChatTemplateLoader.LoadFile(path, Folder, clock);
        return this with { ChatTemplateFile = path, FoundChatTemplate = new Lazy<ChatTemplate?>(template) };
    }

    /// <summary>
    /// Reads the chat template now, so that one that cannot be read stops a server before it has clients. A model
    /// without a template still serves prompts.
    /// </summary>
    /// <exception cref="TextException">It cannot be read.</exception>
    public void CheckChatTemplate() => _ = FoundChatTemplate.Value;

    /// <summary>Tokens that end a text, by the model's and the tokenizer's files.</summary>
    public IReadOnlyList<int> EndTokenIds => [.. Generation.EosTokenIdsOr(Config).Union(Tokenizer.EosIds)];

    /// <summary>Tokens of a conversation, rendered by the model's chat template up to the assistant's turn.</summary>
    /// <exception cref="TextException">There is no template, or it refuses the conversation.</exception>
    public int[] EncodeChat(IReadOnlyList<ChatMessage> messages, CancellationToken cancellation = default) =>
        Tokenizer.EncodeRendered(ChatTemplate.Render(messages, ChatRendering.Default), cancellation);

    /// <summary>The model with each exit head that may be taken without being named (<see cref="ModelFinder.FindExitHeads"/>).</summary>
    public IEnumerable<ModelAssets> WithEachExitHead()
    {
        foreach (var head in ModelFinder.FindExitHeads(Folder, Fingerprint))
        {
            head.RequireFits(Config, Fingerprint);
            yield return this with
            {
                ExitHeadFolder = Path.GetDirectoryName(head.ConfigPath),
                ExitHead = head,
            };
        }
    }

    /// <summary>A model without a folder.</summary>
    /// <exception cref="UserErrorException">
    /// There is no such shape, or the exit layer is outside its layers.
    /// </exception>
    public static ModelAssets Open(SyntheticModel model)
    {
        var layers = model.Config.LayerCount;
        return model.ExitLayer >= 1 && model.ExitLayer <= layers
            ? new ModelAssets(model)
            : throw new UserErrorException(
                $"--exit-layer: expected 1 to {layers} (the model's layers), found {model.ExitLayer}"
            );
    }

    /// <summary>Reads a model folder and finds its exit head.</summary>
    /// <param name="modelFolder">The folder; null for the bundled model.</param>
    /// <param name="exitHeadFolder">Its exit head; null to look for one that was made for these weights.</param>
    /// <param name="clock">Time, for chat templates that ask.</param>
    /// <param name="hashing">Told the bytes of weights hashed so far, which the first time may take minutes.</param>
    /// <exception cref="CheckpointException">A file is missing or unsupported, or the head does not fit.</exception>
    public static ModelAssets Open(
        string? modelFolder,
        string? exitHeadFolder,
        TimeProvider clock,
        IProgress<long>? hashing = null
    )
    {
        var folder = modelFolder ?? ModelFinder.FindBundled();
        OtherFormats.Refuse(folder);
        var config = ModelConfig.Read(folder);
        var fingerprint = WeightsFingerprint.Compute(folder, hashing);
        var head =
            exitHeadFolder is not null ? ExitHeadConfig.Read(exitHeadFolder)
            : ModelFinder.FindExitHeads(folder, fingerprint) is [var first, ..] ? first
            : null;
        head?.RequireFits(config, fingerprint);
        var headFolder = exitHeadFolder ?? Path.GetDirectoryName(head?.ConfigPath);
        return new ModelAssets(folder, config, fingerprint, headFolder, head, clock);
    }
}
