using MessagePack;

namespace Ppsd.Actors.Messages;

// How a node leaves without ending sessions early: it announces it with every offer (StageOffered.IsDraining), the
// coordinator admits no more requests to its pipeline and lets it go when the last session has ended.

/// <summary>Asks a node to leave when its sessions have ended. Anyone to a stage host. Repeat delivery is safe.</summary>
[MessagePackObject]
public sealed record DrainNode : IWireMessage;

/// <summary>The node is draining and will leave. Stage host to the sender of the question.</summary>
/// <param name="HasPipeline">True when it holds a stage of a standing pipeline.</param>
[MessagePackObject]
public sealed record NodeDraining([property: Key(0)] bool HasPipeline) : IWireMessage;

/// <summary>No session needs the node any more. Coordinator to a draining stage host. Repeat delivery is safe.</summary>
[MessagePackObject]
public sealed record NodeReleased : IWireMessage;
