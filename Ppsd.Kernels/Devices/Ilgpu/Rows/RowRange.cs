namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Neighbouring rows of a step that attention treats alike.</summary>
/// <param name="First">The first.</param>
/// <param name="End">The row after the last.</param>
/// <param name="IsPrompt">True when the context of each row but the first begins with that of the row before it.</param>
internal readonly record struct RowRange(int First, int End, bool IsPrompt);
