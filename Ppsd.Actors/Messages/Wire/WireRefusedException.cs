using System.Runtime.Serialization;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>A message that was refused and is counted already.</summary>
internal sealed class WireRefusedException(string message, Exception? cause = null)
    : SerializationException(message, cause);
