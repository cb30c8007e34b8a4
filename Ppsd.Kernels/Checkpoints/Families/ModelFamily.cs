using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>
/// Models that differ from LLaMA in named ways. A family says which configurations are its own, what an absent field
/// means there, and how its layers differ; everything else reads <see cref="LayerTraits"/>. What a family does not cover
/// it refuses by the field. Stateless.
/// </summary>
internal abstract class ModelFamily
{
    /// <summary>The class that runs the model in transformers, as <c>architectures</c> names it.</summary>
    public abstract string Architecture { get; }

    /// <summary><c>model_type</c> of its configurations.</summary>
    public abstract string ModelType { get; }

    /// <summary>Key and value heads where <c>num_key_value_heads</c> is absent.</summary>
    public virtual int DefaultKvHeadCount(int headCount) => headCount;

    /// <summary>Elements of a head where <c>head_dim</c> is absent; null for hidden size / heads.</summary>
    public virtual int? DefaultHeadSize => null;

    /// <summary>Longest sequence where <c>max_position_embeddings</c> is absent.</summary>
    public abstract int DefaultMaxPositions { get; }

    /// <summary>Base of the rotary frequencies where <c>rope_theta</c> is absent.</summary>
    public virtual double DefaultTheta => 10_000;

    /// <summary>What norms add to the mean of squares where <c>rms_norm_eps</c> is absent.</summary>
    public virtual float DefaultEpsilon => 1e-6f;

    /// <summary>Whether the LM head is the embedding where <c>tie_word_embeddings</c> is absent.</summary>
    public virtual bool TiesByDefault => false;

    /// <summary>Whether <c>partial_rotary_factor</c> may be below 1.</summary>
    public virtual bool MayRotatePartly => false;

    /// <summary>What the family means by a kind of rotary embedding: some use old names of their own.</summary>
    public virtual string? KindOfRope(string? name) => name;

    /// <summary>How the layers differ from LLaMA's.</summary>
    /// <exception cref="CheckpointException">A field asks for something that is not supported.</exception>
    public abstract LayerTraits ReadTraits(JsonFields config);

    /// <summary><c>layer_types</c>' name for layers with a window.</summary>
    public const string SlidingType = "sliding_attention";

    /// <summary>
    /// The type of all layers by <c>layer_types</c>; null without that field. A list of another length than the model has
    /// layers, a type that is not known and layers of different types are refused.
    /// </summary>
    /// <exception cref="CheckpointException">The field cannot be used.</exception>
    public static string? TypeOfLayers(JsonFields config)
    {
        var layers = config.RequireInt32("num_hidden_layers", 1);
        var expected = $"the same type for all {layers} layers, full_attention or {SlidingType}";
        var types = config.FindStringList("layer_types", expected);
        return types is null ? null
            : types.Length == layers && types.Distinct().ToArray() is ["full_attention" or SlidingType] ? types[0]
            : throw config.Refuse("layer_types", expected);
    }

    /// <summary>
    /// The window that all layers share, or null. A model in which only some layers have one is refused by
    /// <c>layer_types</c>.
    /// </summary>
    /// <param name="window">The window that its other fields give.</param>
    protected static int? RequireOneWindow(JsonFields config, int? window) =>
        TypeOfLayers(config) switch
        {
            null => window,
            SlidingType => window ?? config.RequireInt32("sliding_window", 1),
            _ => null,
        };
}
