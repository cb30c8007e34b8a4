using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>
/// Phi 3, 3.5 and 4, mini and medium: a LLaMA whose projections are fused tensors and whose heads may be rotated in part
/// (Abdin et al. 2024).
/// </summary>
internal sealed class Phi3Family : ModelFamily
{
    public override string Architecture => "Phi3ForCausalLM";

    public override string ModelType => "phi3";

    public override int DefaultMaxPositions => 4096;

    public override float DefaultEpsilon => 1e-5f;

    public override bool MayRotatePartly => true;

    // What its first releases called so is longrope.
    public override string? KindOfRope(string? name) => name == "yarn" ? "longrope" : name;

    public override LayerTraits ReadTraits(JsonFields config)
    {
        // Its class in transformers has no biases; a checkpoint that has some is not one of these.
        if (config.FindBoolean("attention_bias") is true)
        {
            throw config.Refuse("attention_bias", "false");
        }

        return new LayerTraits
        {
            HasFusedProjections = true,
            SlidingWindow = RequireOneWindow(config, config.FindInt32("sliding_window", 1)),
        };
    }
}
