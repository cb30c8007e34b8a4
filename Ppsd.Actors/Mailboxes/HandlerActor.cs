using Akka.Actor;

namespace Ppsd.Actors.Mailboxes;

/// <summary>
/// An actor that lists what it does with each type of message, as <see cref="ReceiveActor"/> does, without compiling the list: an
/// expression tree costs each start of a process the library for these and the compiler's time.
/// </summary>
/// <remarks>
/// Handlers are listed in the constructor; of those that fit, the first takes a message. For actors that every command starts; others,
/// and those that change what they do (<c>Become</c>), are <see cref="ReceiveActor"/>s.
/// </remarks>
internal abstract class HandlerActor : UntypedActor
{
    private readonly List<Func<object, bool>> _handlers = [];

    /// <summary>Takes messages of a type.</summary>
    /// <param name="handle">What is done with one.</param>
    /// <param name="fits">Asked first, where given; what does not fit goes on to later handlers.</param>
    protected void Receive<T>(Action<T> handle, Predicate<T>? fits = null) =>
        _handlers.Add(message =>
        {
            if (message is not T typed || fits?.Invoke(typed) == false)
            {
                return false;
            }

            handle(typed);
            return true;
        });

    /// <summary>Takes all that no handler before has taken.</summary>
    protected void ReceiveAny(Action<object> handle) =>
        _handlers.Add(message =>
        {
            handle(message);
            return true;
        });

    /// <inheritdoc />
    protected sealed override void OnReceive(object message)
    {
        foreach (var handler in _handlers)
        {
            if (handler(message))
            {
                return;
            }
        }

        Unhandled(message);
    }
}
