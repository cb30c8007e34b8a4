using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>The model an exit head was trained for, as the head's <c>config.json</c> states it.</summary>
/// <param name="Name">For people; not compared.</param>
/// <param name="LayerCount">The model's number of layers.</param>
/// <param name="HiddenSize">Width of the model's hidden states.</param>
/// <param name="WeightsSha256">The model's <see cref="WeightsFingerprint"/>: 64 lower-case hexadecimal digits.</param>
public sealed record ExitHeadVerifier(string Name, int LayerCount, int HiddenSize, string WeightsSha256);
