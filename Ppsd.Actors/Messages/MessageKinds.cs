namespace Ppsd.Actors.Messages;

/// <summary>A message that may cross the wire; bound to <see cref="Wire.WireSerializer"/>, the only serializer there is.</summary>
public interface IWireMessage;

/// <summary>A small message that the stage mailbox serves before any queued work.</summary>
public interface IControlMessage;
