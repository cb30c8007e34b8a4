namespace Ppsd.Kernels.Weights;

/// <summary>The formula of a <see cref="SyntheticWeight"/>: <see cref="SyntheticWeight.ValueAt"/> of these, rounded to bf16.</summary>
/// <param name="Key">Names the matrix.</param>
/// <param name="StepSize">Value of one quantization step.</param>
internal readonly record struct GeneratedWeight(uint Key, float StepSize);
