using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Distillation;

/// <summary>How heads are trained.</summary>
internal sealed record TrainerSettings
{
    /// <summary>Longest sequence, in tokens; longer ones are cut.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Tokens of a step, prompts included.</summary>
    public required int BatchTokens { get; init; }

    /// <summary>The loss.</summary>
    public DistillationLoss Loss { get; init; } = DistillationLoss.Hybrid;

    /// <summary>
    /// The teacher's most probable tokens that heads learn from, all others as one; 0 for the whole distribution. At most
    /// <see cref="TrainingDevice.MaxKeptTokens"/>.
    /// </summary>
    public int TeacherTokens { get; init; }

    /// <summary>Where weights start.</summary>
    public HeadStart Start { get; init; } = HeadStart.NextLayer;

    /// <summary>Key of everything random.</summary>
    public int Seed { get; init; }

    /// <summary>Longest gradient of a head; longer ones are scaled down to it.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Share of a matrix's weights taken off at each step, times the learning rate.</summary>
    public double WeightDecay { get; init; }

    /// <summary>How exact the rotary embedding's frequencies are; as the stages that will run the head have them.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }

    /// <summary>The type that rotary frequencies are rounded to.</summary>
    public ElementType RopeType(ModelConfig config) =>
        RopeFrequencies == RopeFrequencies.Float32 ? ElementType.Float32 : config.ElementType;
}
