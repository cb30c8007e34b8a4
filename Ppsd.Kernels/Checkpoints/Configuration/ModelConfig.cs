using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// The shape of a model of the LLaMA kind, as its <c>config.json</c> gives it. One that was read is consistent: every
/// size is positive and heads divide as they must. Immutable.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>The plain LLaMA's.</summary>
    public const string LlamaArchitecture = "LlamaForCausalLM";

    /// <summary>The class that runs the model in transformers, which names its family.</summary>
    public required string Architecture { get; init; }

    /// <summary>How its layers differ from a plain LLaMA's.</summary>
    public LayerTraits Layers { get; init; } = LayerTraits.Plain;

    /// <summary>Width of a hidden state.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward block.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of transformer layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Number of key and value heads; divides <see cref="HeadCount"/>.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>Elements of one head; even. Need not be <c>HiddenSize / HeadCount</c>.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Number of token ids, and of logits.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>What RMS norms add to the mean of squares.</summary>
    public required float RmsNormEpsilon { get; init; }

    /// <summary>
    /// True when the LM head and the token embedding are one table of the checkpoint. Without a checkpoint the config decides.
    /// </summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>Whether the config says that the LM head is the token embedding, whatever the checkpoint holds.</summary>
    public bool TiesByConfig { get; init; }

    /// <summary>Whether the one table that the checkpoint holds for both has the LM head's name.</summary>
    public bool HoldsOnlyLmHead { get; init; }

    /// <summary>Name of the [vocab, hidden] token embedding.</summary>
    public string EmbeddingTensor =>
        HoldsOnlyLmHead ? LlamaTensorNames.LmHead(tieWordEmbeddings: false) : LlamaTensorNames.Embedding;

    /// <summary>Name of the [vocab, hidden] LM head, which is the embedding's where the two are tied.</summary>
    public string LmHeadTensor =>
        TieWordEmbeddings ? EmbeddingTensor : LlamaTensorNames.LmHead(tieWordEmbeddings: false);

    /// <summary>The rotary embedding.</summary>
    public required RopeParameters Rope { get; init; }

    /// <summary>The id that begins a sequence, if the model has one.</summary>
    public required int? BosTokenId { get; init; }

    /// <summary>The ids that end a text; may be empty. <see cref="GenerationConfig"/> may name others.</summary>
    public required IReadOnlyList<int> EosTokenIds { get; init; }

    /// <summary>
    /// The type the config says its weights have, single precision if it does not say. A tensor's own type is the one
    /// that counts: see <see cref="Tensor.ElementType"/>.
    /// </summary>
    public required ElementType ElementType { get; init; }

    /// <summary>Width of all query heads together: <c>HeadCount * HeadSize</c>.</summary>
    public int QuerySize => HeadCount * HeadSize;

    /// <summary>Width of all key heads together, and of all value heads: <c>KvHeadCount * HeadSize</c>.</summary>
    public int KvSize => KvHeadCount * HeadSize;

    /// <summary>
    /// Reads <c>config.json</c> of a model folder, in the style of transformers 4 or 5. Fields that do not matter here
    /// are ignored; a field that would change the numbers and is not supported is refused. Whether embeddings are tied is what
    /// the checkpoint holds, as in transformers 5: an LM head in the file is used even where the config says that there is none.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The file is missing or not a JSON object, the model is not a LLaMA, or a field is missing, impossible or not
    /// supported.
    /// </exception>
    public static ModelConfig Read(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        var config = ModelConfigReader.Read(path);
        if (Checkpoint.ListTensors(folder) is not { } names)
        {
            return config;
        }

        CheckpointFields.RequireHeadSize(path, folder, config);
        var hasHead = names.Contains(LlamaTensorNames.LmHead(tieWordEmbeddings: false));
        var holdsOnlyHead = config.TiesByConfig && hasHead && !names.Contains(LlamaTensorNames.Embedding);
        return config with { TieWordEmbeddings = !hasHead || holdsOnlyHead, HoldsOnlyLmHead = holdsOnlyHead };
    }
}
