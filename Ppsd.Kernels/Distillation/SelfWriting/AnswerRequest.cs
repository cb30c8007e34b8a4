using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.SelfWriting;

/// <summary>A text the target is to write.</summary>
/// <param name="Prompt">Tokens before the answer.</param>
/// <param name="Sampling">How tokens are drawn.</param>
internal sealed record AnswerRequest(int[] Prompt, SamplingParameters Sampling);
