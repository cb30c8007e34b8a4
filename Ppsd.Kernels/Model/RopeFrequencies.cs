namespace Ppsd.Kernels.Model;

/// <summary>How exact the rotary embedding's frequencies are.</summary>
/// <remarks>
/// PyTorch's <c>model.to(bfloat16)</c> casts a module's buffers along with its weights, the rotary frequencies among
/// them, and casting back does not restore them. The reference results of this repository were computed from such a
/// model: with fp32 frequencies logits differ from them by up to 1.3e-3, with cast ones by 1e-6. <c>from_pretrained</c>
/// keeps fp32, so a model served elsewhere by that road may want <see cref="Float32"/>; the difference grows with
/// distance between tokens.
/// </remarks>
public enum RopeFrequencies
{
    /// <summary>Rounded to the checkpoint's own type, as a cast of the whole model does.</summary>
    CheckpointType,

    /// <summary>fp32, as computed.</summary>
    Float32,
}
