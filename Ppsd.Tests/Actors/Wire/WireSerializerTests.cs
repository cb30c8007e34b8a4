using System.Reflection;
using System.Runtime.Serialization;
using Akka.Actor;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Tests.Actors.Stages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Wire;

public sealed class WireSerializerTests
{
    private ActorSystem _system = null!;
    private WireSerializer _serializer = null!;

    [OneTimeSetUp]
    public void Start()
    {
        _system = ActorSystem.Create("wire", PpsdConfig.Load(NodeRole.Local));
        _serializer = new WireSerializer((ExtendedActorSystem)_system);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _system.Terminate();
        _system.Dispose();
    }

    [Test]
    public void A_forward_arrives_as_it_was_sent()
    {
        var part = TestBatches.Part(3, 7, count: 2) with
        {
            Base = new VerifiedPath(new CandidateId(6), 7),
            IsDrafting = true,
            Lacking = [1, 3],
            IsReplayed = true,
            Settings = new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = new SamplingSettings
                {
                    Temperature = 0.5f,
                    Seed = ulong.MaxValue,
                    TopK = 3,
                },
                MaxWidth = 2,
                ReservedLength = 99,
                PromptLength = 3,
            },
        };
        var item = TestBatches.Item(11, TestBatches.Part(2, 1, count: 3), part);
        var sent = new Forward(item.Batch, item.Hidden);

        var received = (Forward)RoundTrip(sent);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(received.Hidden.Memory.ToArray(), Is.EqualTo(sent.Hidden.Memory.ToArray()));
            Assert.That((received.Batch.Number, received.Batch.Count), Is.EqualTo((new BatchNumber(11), 5)));
            var arrived = received.Batch.Parts[1];
            Assert.That(arrived.Candidates, Is.EqualTo(part.Candidates));
            Assert.That(arrived.Tokens, Is.EqualTo(part.Tokens));
            Assert.That(arrived.Parents, Is.EqualTo(part.Parents));
            Assert.That(arrived.Settings, Is.EqualTo(part.Settings));
            Assert.That((arrived.Lacking, arrived.IsReplayed), Is.EqualTo((part.Lacking, true)));
            Assert.That(received.Batch.Parts[0].Lacking, Is.Null);
            Assert.That(
                (arrived.Session, arrived.Run, arrived.Base, arrived.CertainCount, arrived.IsDrafting),
                Is.EqualTo((part.Session, part.Run, part.Base, part.CertainCount, part.IsDrafting))
            );
        }
    }

    [Test]
    public void Records_of_single_values_arrive_equal()
    {
        var session = TestBatches.Session(4);
        object[] sent =
        [
            new Credit(new BatchNumber(long.MaxValue)),
            new GapSeen(session, new RunId(2)),
            new EndSession(session),
            new SessionReleased(session, new StageIndex(3)),
            new StageFault(session, new StageIndex(3), "no room"),
            new KeptFound(session, new StageIndex(3), 40, 30, 20, 64),
            new TokensReplayed(session),
            new SessionQueued(4, Attempt: 2),
            new SessionStarted(session, Attempt: 2, MaxTokens: 7, "cpu"),
            new SessionRefused(RefusalKind.Unavailable, "later"),
            new SessionFailed(session, "gone", IsFault: true),
            new StopSession(session),
            new TokenCredit(session, 3),
            new StageFailed(new StageIndex(1), "no file"),
            new AssignStage(new StageIndex(1), 4, 4),
            new GetPipeline(),
            new GetStageStatus(),
        ];

        Assert.That(sent.Select(RoundTrip), Is.EqualTo(sent));
    }

    [Test]
    public void Log_probabilities_arrive_with_their_tokens_or_not_at_all()
    {
        var session = TestBatches.Session(4);
        var logprobs = new TokenLogprobs(-0.5f, [new TokenLogprob(new TokenId(7), -0.25f)]);
        var own = new SessionVerdicts(session, new RunId(1), [new CandidateId(9)], [new TokenId(3)], [logprobs]);
        var verdicts = new Verdicts([own]);
        var emitted = new TokensEmitted(session, 5, [new TokenId(3)], [logprobs]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(((Verdicts)RoundTrip(verdicts)).Sessions[0].Logprobs![0].Top, Is.EqualTo(logprobs.Top));
            Assert.That(((TokensEmitted)RoundTrip(emitted)).Logprobs![0].Chosen, Is.EqualTo(-0.5f));
            Assert.That(((TokensEmitted)RoundTrip(emitted with { Logprobs = null })).Logprobs, Is.Null);
            Assert.That(
                () => RoundTrip(emitted with { Logprobs = [logprobs, logprobs] }),
                Throws.InstanceOf<SerializationException>()
            );
            Assert.That(
                () => RoundTrip(new Verdicts([own with { Logprobs = [null!] }])),
                Throws.InstanceOf<SerializationException>()
            );
        }
    }

    [Test]
    public void A_question_for_what_is_kept_arrives_with_its_text_and_an_answer_of_more_than_there_is_does_not()
    {
        var find = new FindKept(TestBatches.Session(4), TestBatches.Session(2), [new TokenId(3), new TokenId(5)]);
        var received = (FindKept)RoundTrip(find);
        Assert.That(
            (received.Session, received.Earlier, received.Tokens),
            Is.EqualTo((find.Session, find.Earlier, find.Tokens))
        );

        var found = new KeptFound(find.Session, new StageIndex(3), 40, 30, 20, 64);
        foreach (
            var wrong in (KeptFound[])
                [
                    found with
                    {
                        Length = -1,
                    },
                    found with
                    {
                        SentRows = 41,
                    },
                    found with
                    {
                        HeadLength = 41,
                    },
                    found with
                    {
                        ReservedLength = -1,
                    },
                ]
        )
        {
            Assert.That(() => RoundTrip(wrong), Throws.InstanceOf<SerializationException>());
        }
    }

    [Test]
    public void An_actor_reference_arrives_as_the_same_actor()
    {
        var actor = _system.ActorOf(Props.Empty, "somebody");
        var sent = new StageReady(new StageIndex(0), new PipelineStage(actor, Description()));

        Assert.That(((StageReady)RoundTrip(sent)).Member.Actor, Is.EqualTo(actor));
    }

    [Test]
    public void Every_wire_message_has_a_manifest()
    {
        var messages = typeof(IWireMessage)
            .Assembly.GetTypes()
            .Where(type => type is { IsClass: true } && type.IsAssignableTo(typeof(IWireMessage)));

        Assert.That(messages.Where(type => WireManifests.ManifestOf(type) is null), Is.Empty);
    }

    [TestCase("system.diagnostics.process")]
    [TestCase("")]
    [TestCase("Forward")]
    public void An_unknown_manifest_is_refused(string manifest) =>
        Assert.That(
            () => _serializer.FromBinary([0xC0], manifest),
            Throws.InstanceOf<SerializationException>().With.Message.Contains(manifest)
        );

    [Test]
    public void A_type_off_the_list_is_refused_in_both_directions()
    {
        Assert.That(() => _serializer.Manifest(new Version(1, 0)), Throws.InstanceOf<SerializationException>());
        var json = new RefusingSerializer((ExtendedActorSystem)_system, Akka.Configuration.Config.Empty);
        Assert.That(
            () => json.FromBinary("{}"u8.ToArray(), typeof(object)),
            Throws.InstanceOf<SerializationException>()
        );
        Assert.That(() => json.ToBinary(new Version(1, 0)), Throws.InstanceOf<SerializationException>());
    }

    [Test]
    public void The_time_at_stages_travels_with_a_micro_batch_and_its_verdicts()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(((Forward)RoundTrip(After(3.5))).Batch.StageMs, Is.EqualTo(3.5));
            Assert.That(((Verdicts)RoundTrip(new Verdicts([]) { StageMs = 3.5 })).StageMs, Is.EqualTo(3.5));
            foreach (var ms in (double[])[-1, double.NaN, double.PositiveInfinity])
            {
                Assert.That(() => RoundTrip(After(ms)), Throws.InstanceOf<SerializationException>());
                Assert.That(
                    () => RoundTrip(new Verdicts([]) { StageMs = ms }),
                    Throws.InstanceOf<SerializationException>()
                );
            }
        }

        static Forward After(double ms) =>
            new(
                new MicroBatch(new BatchNumber(1), [TestBatches.Part(1, 1)]) { StageMs = ms },
                HiddenStates.Keep(new byte[8])
            );
    }

    [Test]
    public void A_forward_whose_fields_contradict_each_other_is_refused()
    {
        var part = TestBatches.Part(1, 1, count: 2);
        var hidden = new byte[16];
        Forward[] bad =
        [
            Carrying(part with { Tokens = [new TokenId(1)] }),
            Carrying(part with { Candidates = [], Tokens = [], Parents = [] }),
            Carrying(part with { FirstHeadRow = 3 }),
            Carrying(part with { CertainCount = -1 }),
            Carrying(),
            new(
                new MicroBatch(new BatchNumber(1), [TestBatches.Part(2, 1), part with { FirstHeadRow = 1 }]),
                HiddenStates.Keep(new byte[24])
            ),
            new(new MicroBatch(new BatchNumber(1), [part]), HiddenStates.Keep(new byte[7])),
            new(new MicroBatch(new BatchNumber(1), [part]), HiddenStates.None),
        ];
        Assert.That(() => RoundTrip(Carrying(part)), Throws.Nothing);

        foreach (var forward in bad)
        {
            Assert.That(() => RoundTrip(forward), Throws.InstanceOf<SerializationException>());
        }

        Forward Carrying(params BatchPart[] parts) =>
            new(new MicroBatch(new BatchNumber(1), parts), HiddenStates.Keep(hidden));
    }

    /// <summary>Whatever bytes come in: a message or a SerializationException, and no memory for lengths that are lies.</summary>
    [Test]
    public void Damaged_frames_are_refused_and_allocate_little()
    {
        var random = new Random(7);
        var manifests = typeof(WireManifests)
            .GetField("_all", BindingFlags.NonPublic | BindingFlags.Static)!
            .GetValue(null)
            is (string Manifest, Type)[] all
            ? all.Select(entry => entry.Manifest).ToArray()
            : [];
        var item = TestBatches.Item(3, 7, count: 2);
        var good = _serializer.ToBinary(new Forward(item.Batch, item.Hidden));
        _serializer.FromBinary(good, "forward");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = 0;
        for (var i = 0; i < 5000; i++)
        {
            var bytes = random.Next(2) == 0 ? (byte[])good.Clone() : new byte[random.Next(64)];
            if (bytes.Length == good.Length)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                bytes = bytes[..random.Next(bytes.Length + 1)];
            }
            else
            {
                random.NextBytes(bytes);
            }

            try
            {
                _serializer.FromBinary(bytes, manifests[random.Next(manifests.Length)]);
            }
            catch (SerializationException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(4000));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(400L << 20));
    }

    private object RoundTrip(object message) =>
        _serializer.FromBinary(_serializer.ToBinary(message), _serializer.Manifest(message));

    private static StageDescription Description() => new ToyRuntime(new ToyModel(6), 0, 1).Description;
}
