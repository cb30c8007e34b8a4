using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;
using Ppsd.Tests.Support;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Sessions;

/// <summary>What a client is told, and when.</summary>
public sealed class LiveSessionTests
{
    private Client _client = null!;
    private LiveSession _session = null!;

    [SetUp]
    public void Start()
    {
        _client = new Client();
        var request = new StartSession
        {
            Prompt = Tokens(1),
            MaxTokens = 100,
            EndTokens = [],
            Drafts = DraftSources.None,
            Sampling = SamplingSettings.Greedy,
        };
        _session = new LiveSession(Session([1]), _client, request, new ManualClock());
    }

    [Test]
    public void Tokens_wait_for_a_moment_in_which_the_device_works()
    {
        Verify(candidate: 0, token: 5);
        Assert.That(_client.Told, Is.Empty);

        _session.SendNews();
        _session.SendNews();

        Assert.That(_client.Tokens, Is.EqualTo(new int[][] { [5] }));
    }

    [Test]
    public void Tokens_of_two_verdicts_are_not_told_in_one_message()
    {
        Verify(candidate: 0, token: 5);
        Verify(candidate: 1, token: 6);
        _session.SendNews();

        Assert.That(_client.Tokens, Is.EqualTo(new int[][] { [5], [6] }));
    }

    [Test]
    public void The_end_comes_behind_tokens_that_nobody_has_sent_yet_and_once()
    {
        Verify(candidate: 0, token: 5);

        Assert.That(_session.TryEnd(FinishReason.Cancelled, stageCount: 2));
        _session.SendNews();

        Assert.That(_client.Tokens, Is.EqualTo(new int[][] { [5] }));
        Assert.That(_client.Told.OfType<SessionEnded>().Count(), Is.EqualTo(1));
        Assert.That(_client.Told[^1], Is.TypeOf<SessionEnded>());
    }

    private void Verify(int candidate, int token)
    {
        _session.Decode.NextPart(maxRows: 1, mayDraft: false);
        _session.NoteTokens(_session.Decode.Apply(new RunId(0), Ids(candidate), Tokens(token)), null);
    }

    /// <summary>A client that only listens.</summary>
    private sealed class Client : ISessionClient
    {
        public List<object> Told { get; } = [];

        public int[][] Tokens =>
            [.. Told.OfType<TokensEmitted>().Select(told => told.Tokens.Select(token => token.Value).ToArray())];

        public void Tell(IWireMessage message) => Told.Add(message);
    }
}
