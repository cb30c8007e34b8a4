using Ppsd.Actors.Cluster;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Who may be dead, before the cluster says so.</summary>
public sealed class NodeSuspicionsTests
{
    private const long Second = 1_000_000;

    private readonly ManualClock _clock = new();
    private NodeSuspicions<string> _suspicions = null!;

    [SetUp]
    public void Begin()
    {
        _suspicions = new NodeSuspicions<string>(TimeSpan.FromSeconds(2), _clock);
        _suspicions.NoteAlive("a");
    }

    [Test]
    public void A_broken_connection_is_suspicious_at_once_and_a_sign_of_life_clears_it()
    {
        Assert.That(_suspicions.Of("a"), Is.Null);
        _suspicions.NoteBroken("a");
        Assert.That(_suspicions.Of("a"), Does.Contain("its connection broke"));
        _suspicions.NoteAlive("a");
        Assert.That(_suspicions.Of("a"), Is.Null);
    }

    [Test]
    public void A_node_that_says_nothing_for_too_long_is_suspicious_until_it_says_something()
    {
        _suspicions.NoteAlive("b");
        for (var look = 0; look < 5; look++)
        {
            Pass(Second / 2);
            _suspicions.NoteAlive("b");
        }

        Assert.That(_suspicions.Of("a"), Is.EqualTo("has said nothing for 2 s"));
        Assert.That(_suspicions.Of("b"), Is.Null);
        _suspicions.NoteAlive("a");
        Assert.That(_suspicions.Of("a"), Is.Null);
    }

    /// <summary>A stopped process that goes on has heard nobody, and nobody was silent.</summary>
    [Test]
    public void Who_did_not_listen_suspects_nobody()
    {
        Pass(10 * Second);
        Assert.That(_suspicions.Of("a"), Is.Null);
    }

    [Test]
    public void A_node_that_is_gone_or_was_never_there_is_not_suspected()
    {
        _suspicions.NoteBroken("never there");
        Assert.That(_suspicions.Of("never there"), Is.Null);
        _suspicions.NoteBroken("a");
        _suspicions.Forget("a");
        Assert.That(_suspicions.Of("a"), Is.Null);
    }

    private void Pass(long microseconds)
    {
        _clock.Advance(microseconds);
        _suspicions.Look();
    }
}
