using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Evaluation;

/// <summary>A text the target itself has written, to measure heads on.</summary>
/// <param name="Sequence">Prompt and answer.</param>
/// <param name="Sampling">How the answer's tokens were drawn; drafts are drawn with the same noise.</param>
internal sealed record EvaluationText(TrainingSequence Sequence, SamplingParameters Sampling);
