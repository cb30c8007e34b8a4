using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>What a stage's exit head drafts from one step.</summary>
/// <param name="FirstRow">
/// First row drafted from. The rows before it only enter the head's own caches; the step's row count means that no row is
/// drafted from.
/// </param>
/// <param name="Depth">
/// Steps to draft ahead of each row, from 1 to <see cref="StageDescription.DraftDepth"/>. A head that is not a chain has 1.
/// </param>
public readonly record struct DraftRequest(int FirstRow, int Depth);
