namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>What a step's launches of attention are cut for; results do not depend on it.</summary>
/// <param name="LongestContext">Positions of the longest context, or room for more.</param>
/// <param name="RowsTogether">Neighbouring rows that share a context, on average: a power of two, 8 at most.</param>
internal readonly record struct AttentionExtent(int LongestContext, int RowsTogether);
