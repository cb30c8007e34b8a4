using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Host.Distillation;

/// <summary>A line of training data in tokens.</summary>
/// <param name="Sequence">The text, and which of its tokens are answers.</param>
/// <param name="Prompt">Prompt tokens, from which the target can write an answer itself.</param>
internal sealed record DataText(TrainingSequence Sequence, int[] Prompt);
