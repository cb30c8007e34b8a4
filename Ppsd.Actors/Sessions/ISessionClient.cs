using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Sessions;

/// <summary>Receives a session's messages. Two objects for the same receiver are equal.</summary>
internal interface ISessionClient
{
    /// <summary>Sends a message; never blocks.</summary>
    void Tell(IWireMessage message);
}
