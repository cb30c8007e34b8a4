using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>
/// Stands before a stage and plays a bad network: holds messages back for random stretches, keeping each sender's order
/// as one connection would; lets cancels come late and more than once; loses some messages. Time is not involved: a
/// held message waits for a random number of turns.
/// </summary>
internal sealed class ChaosProxy : ReceiveActor
{
    private readonly IActorRef _stage;
    private readonly Random _random;
    private readonly Func<object, bool> _isLost;
    private readonly Dictionary<IActorRef, Queue<object>> _held = [];
    private readonly List<(object Message, IActorRef Sender)> _cancels = [];
    private bool _turning;

    public ChaosProxy(IActorRef stage, int seed, double loss, bool losesCredits)
    {
        _stage = stage;
        _random = new Random(seed);
        _isLost = message =>
            (message is Credit && losesCredits)
            || (message is Forward or Verdicts or Drafts or Credit or EndSession && _random.NextDouble() < loss);

        Receive<Turn>(_ => TakeTurn());
        ReceiveAny(Hold);
    }

    private void Hold(object message)
    {
        if (message is Cancel)
        {
            for (var copies = 1 + _random.Next(2); copies > 0; copies--)
            {
                _cancels.Add((message, Sender));
            }
        }
        else if (!_isLost(message))
        {
            if (!_held.TryGetValue(Sender, out var queue))
            {
                _held.Add(Sender, queue = new Queue<object>());
            }

            queue.Enqueue(message);
        }

        if (!_turning)
        {
            _turning = true;
            Self.Tell(Turn.Instance);
        }
    }

    private void TakeTurn()
    {
        foreach (var (sender, queue) in _held)
        {
            while (queue.Count > 0 && _random.Next(3) == 0)
            {
                _stage.Tell(queue.Dequeue(), sender);
            }
        }

        for (var i = _cancels.Count - 1; i >= 0; i--)
        {
            if (_random.Next(5) == 0)
            {
                _stage.Tell(_cancels[i].Message, _cancels[i].Sender);
                _cancels.RemoveAt(i);
            }
        }

        _turning = _cancels.Count > 0 || _held.Values.Any(queue => queue.Count > 0);
        if (_turning)
        {
            Self.Tell(Turn.Instance);
        }
    }

    private sealed class Turn
    {
        public static Turn Instance { get; } = new();
    }
}
