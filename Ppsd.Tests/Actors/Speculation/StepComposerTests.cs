using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>What enters stage 1 when several sessions want to.</summary>
public sealed class StepComposerTests
{
    [Test]
    public void Verified_tokens_of_several_sessions_share_a_micro_batch()
    {
        var composer = Composer(parallelStages: 1, sessions: 3, out var sessions);
        EnterPrompts(composer, sessions);

        Judge(sessions);

        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(composer.Next(), Is.Null);
    }

    [Test]
    public void A_micro_batch_takes_only_its_share_so_that_every_stage_has_one()
    {
        var composer = Composer(parallelStages: 2, sessions: 5, out var sessions);
        EnterPrompts(composer, sessions);

        Judge(sessions);

        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 3, 4 }));
    }

    [Test]
    public void A_narrow_micro_batch_waits_for_others_to_join_while_enough_go_round()
    {
        var composer = Composer(parallelStages: 2, sessions: 6, out var sessions);
        EnterPrompts(composer, sessions);

        // Six prompts went round one by one; the first verdicts start no third micro-batch.
        Judge(sessions[..2]);
        Assert.That(composer.Next(), Is.Null);

        Judge(sessions[2..3]);
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0, 1, 2 }));

        Judge(sessions[3..5]);
        Assert.That(composer.Next(), Is.Null);

        Judge(sessions[5..]);
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 3, 4, 5 }));
    }

    [Test]
    public void A_narrow_micro_batch_enters_where_stages_would_idle()
    {
        var composer = Composer(parallelStages: 2, sessions: 4, out var sessions);
        EnterPrompts(composer, sessions);
        Judge(sessions);
        composer.Next();
        composer.Next();

        sessions[0].Apply(sessions[0].Run, [new CandidateId(1)], [new TokenId(1)]);
        Assert.That(composer.Next(), Is.Null);

        sessions[1].Apply(sessions[1].Run, [new CandidateId(1)], [new TokenId(1)]);
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0, 1 }));
    }

    [Test]
    public void Prompts_go_on_while_verified_tokens_wait_for_others()
    {
        var composer = Composer(parallelStages: 1, sessions: 3, out var sessions);
        EnterPrompts(composer, sessions);
        composer.Add(Session(7, prompt: 6));
        Judge(sessions[..1]);

        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 7 }));
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 7 }));
    }

    [Test]
    public void Sessions_take_turns_when_there_is_no_room_for_all()
    {
        var composer = Composer(parallelStages: 1, sessions: 5, out var sessions, maxRows: 2);
        EnterPrompts(composer, sessions);
        var served = new List<int>();

        for (var step = 0; step < 5; step++)
        {
            Judge(sessions);
            served.AddRange(Sessions(composer.Next()));
        }

        Assert.That(served, Is.EqualTo(new[] { 0, 1, 2, 3, 4, 0, 1, 2, 3, 4 }));
    }

    [Test]
    public void Prompts_and_verified_tokens_take_turns()
    {
        var composer = Composer(parallelStages: 4, sessions: 1, out var sessions);
        EnterPrompts(composer, sessions);
        composer.Add(Session(7, prompt: 6));
        var kinds = "";

        for (var step = 0; step < 4; step++)
        {
            Judge(sessions);
            kinds += composer.Next() is [{ FirstHeadRow: 0, Count: 1 }] ? "t" : "p";
        }

        Assert.That(kinds, Is.EqualTo("tptp").Or.EqualTo("ptpt"));
    }

    /// <summary>Two verified tokens cost 1.1 steps of one; so may the prompt's rows.</summary>
    [TestCase(0.1, 11)]
    [TestCase(0.01, 30)]
    [TestCase(0, 30)]
    [TestCase(1, 8)]
    public void A_chunk_of_a_prompt_joins_verified_tokens_and_at_most_doubles_their_step(double rowCost, int expected)
    {
        var composer = new StepComposer(
            new StepLimits(MaxRows: 8, ParallelStages: 1, Window: 10, rowCost, SharedRows: 32)
        );
        DecodeSession[] sessions = [Session(0), Session(1)];
        Array.ForEach(sessions, composer.Add);
        EnterPrompts(composer, sessions);
        composer.Add(Session(7, prompt: 60, prefillChunk: 40));
        Judge(sessions);

        var parts = composer.Next()!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Sessions(parts), Is.EqualTo(new[] { 7, 0, 1 }));
            Assert.That(parts[0].Count, Is.EqualTo(expected));
            Assert.That(new MicroBatch(new BatchNumber(0), parts).FirstHeadRow, Is.EqualTo(expected));
            Assert.That(composer.Next()![0].Count, Is.EqualTo(Math.Min(40, 60 - expected)), "alone, as many as it may");
        }
    }

    /// <summary>The last row of a prompt needs a head, and heads serve as many rows as the step may have candidates.</summary>
    [Test]
    public void Verified_tokens_leave_a_prompts_last_row_its_place()
    {
        var composer = new StepComposer(new StepLimits(MaxRows: 2, ParallelStages: 1, Window: 10, SharedRows: 32));
        DecodeSession[] sessions = [Session(0), Session(1)];
        Array.ForEach(sessions, composer.Add);
        EnterPrompts(composer, sessions);
        composer.Add(Session(7, prompt: 3, prefillChunk: 40));
        Judge(sessions);

        var batch = new MicroBatch(new BatchNumber(0), composer.Next()!);

        Assert.That(batch.Count - batch.FirstHeadRow, Is.EqualTo(2));
        Assert.That(sessions[1].HasVerifiedToken, Is.True);
    }

    [Test]
    public void The_drafts_likeliest_to_be_confirmed_go_first()
    {
        var composer = Composer(parallelStages: 9, sessions: 2, out var sessions, maxRows: 1);
        EnterPrompts(composer, sessions);

        // The first session is further ahead of its last verified token than the second.
        Draft(sessions[0], parent: 0);
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0 }));
        Draft(sessions[0], parent: 1);
        Draft(sessions[1], parent: 0);

        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 1 }));
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0 }));
    }

    [Test]
    public void Verified_tokens_go_before_drafts_and_drafts_fill_what_is_left()
    {
        var composer = Composer(parallelStages: 9, sessions: 2, out var sessions, maxRows: 2);
        EnterPrompts(composer, sessions);
        Draft(sessions[0], parent: 0);
        Judge(sessions[1..]);

        var parts = composer.Next()!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Sessions(parts), Is.EqualTo(new[] { 1, 0 }));
            Assert.That(parts.Select(part => part.CertainCount), Is.EqualTo(new[] { 1, 0 }));
        }
    }

    [Test]
    public void No_drafts_enter_when_verified_tokens_keep_every_stage_busy()
    {
        var composer = Composer(parallelStages: 2, sessions: 2, out var sessions);
        var prompts = new[] { composer.Next()!, composer.Next()! };
        Draft(sessions[0], parent: 0);

        Assert.That(prompts.SelectMany(parts => parts).Any(part => part.IsDrafting), Is.False);
        Assert.That(composer.Next(), Is.Null);

        composer.Remove(sessions[1]);
        Assert.That(Sessions(composer.Next()), Is.EqualTo(new[] { 0 }), "a session alone always may");
    }

    /// <summary>The second row brings 0.45 of a token on top of 0.9.</summary>
    [TestCase(0, ExpectedResult = 2)]
    [TestCase(0.4, ExpectedResult = 2)]
    [TestCase(0.6, ExpectedResult = 1)]
    public int A_row_enters_only_if_it_brings_more_tokens_in_a_time(double rowCost)
    {
        var composer = new StepComposer(new StepLimits(MaxRows: 8, ParallelStages: 4, Window: 5, rowCost));
        var session = ScriptedSession.Session([1], width: 8);
        composer.Add(session);
        composer.Next();
        session.AddDrafts(
            session.Run,
            [
                ScriptedSession.Drafted(0, step: 0, 7, (float)Math.Log(0.9)),
                ScriptedSession.Drafted(0, step: 1, 8, (float)Math.Log(0.5)),
            ]
        );

        return composer.Next()![0].Count;
    }

    [Test]
    public void Without_sessions_there_is_no_work() =>
        Assert.That(Composer(parallelStages: 4, sessions: 0, out _).Next(), Is.Null);

    [Test]
    public void Parts_that_draft_come_last()
    {
        var composer = Composer(parallelStages: 9, sessions: 0, out _);
        DecodeSession[] sessions = [Session(0), Session(1, drafts: DraftSources.None), Session(2)];
        Array.ForEach(sessions, composer.Add);
        EnterPrompts(composer, sessions);
        Draft(sessions[2], parent: 0);
        Judge(sessions[..2]);

        Assert.That(composer.Next()!.Select(part => part.IsDrafting), Is.EqualTo(new[] { true, true }));
        Assert.That(composer.Next()!.Select(part => part.IsDrafting), Is.EqualTo(new[] { false }));
    }

    private static StepComposer Composer(int parallelStages, int sessions, out DecodeSession[] all, int maxRows = 8)
    {
        var composer = new StepComposer(new StepLimits(maxRows, parallelStages, Window: 10));
        all = [.. Enumerable.Range(0, sessions).Select(number => Session(number))];
        Array.ForEach(all, composer.Add);
        return composer;
    }

    private static void EnterPrompts(StepComposer composer, DecodeSession[] sessions)
    {
        foreach (var _ in sessions)
        {
            composer.Next();
        }
    }

    /// <summary>Each session's head gets a verdict, so that its token waits to enter.</summary>
    private static void Judge(DecodeSession[] sessions)
    {
        foreach (var session in sessions)
        {
            var head = new CandidateId(session.GeneratedCount);
            session.Apply(session.Run, [head], [new TokenId(1)]);
        }
    }

    private static void Draft(DecodeSession session, int parent) =>
        session.AddDrafts(session.Run, [new DraftedToken(new CandidateId(parent), new TokenId(3), 0f)]);

    private static int[] Sessions(BatchPart[]? parts) =>
        [.. (parts ?? []).Select(part => (int)(uint)part.Session.Value)];

    private static DecodeSession Session(
        int number,
        int prompt = 1,
        DraftSources drafts = DraftSources.ExitHead,
        int prefillChunk = 2
    ) =>
        new(
            SessionId.Create(new PipelineEpoch(1), number),
            [.. Enumerable.Range(0, prompt).Select(token => new TokenId(token))],
            new SessionSettings
            {
                Drafts = drafts,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = 1,
                ReservedLength = 100,
                PromptLength = prompt,
            },
            new GenerationLimits(100, []),
            new SpeculationLimits(10, 1, prefillChunk)
        );
}
