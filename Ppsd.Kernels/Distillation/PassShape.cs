using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;

namespace Ppsd.Kernels.Distillation;

/// <summary>Sizes of passes that all stages have in common.</summary>
/// <param name="MaxRows">Most rows of a pass.</param>
/// <param name="BlockRows">Most target rows whose logits exist at a time.</param>
/// <param name="Depth">Steps of the deepest chain head; 1 without one.</param>
internal readonly record struct PassShape(int MaxRows, int BlockRows, int Depth)
{
    /// <summary>The sizes that suit all devices.</summary>
    public static PassShape Of(
        ModelConfig config,
        IReadOnlyList<HeadSpec> heads,
        TrainerSettings settings,
        IReadOnlyCollection<TrainingSizes> devices
    )
    {
        var maxRows = Math.Max(
            settings.SequenceLength,
            Math.Min(settings.BatchTokens, devices.Min(device => device.PassTokens(config.HiddenSize)))
        );
        var blockRows = Math.Min(maxRows, devices.Min(device => device.LogitRows(config.VocabSize)));
        return new PassShape(maxRows, blockRows, heads.Max(head => head.Depth));
    }
}
