using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench;

/// <summary>
/// Keeps a device as busy as a stage of PPSD does, without a pipeline: the stage's own steps, one candidate each, over
/// and over, with pauses that leave it busy for a share of the time.
/// </summary>
/// <param name="runtime">The stage; used by the thread that calls <see cref="Run"/>.</param>
/// <param name="hiddenSize">Values of a hidden state.</param>
internal sealed class StageLoad(IStageRuntime runtime, int hiddenSize, TimeProvider clock)
{
    /// <summary>Positions after which the text begins anew, so that attention costs what it does in a text of that length.</summary>
    public const int Length = 256;

    /// <summary>Shorter pauses are added up: no timer is so fine.</summary>
    private static readonly TimeSpan _leastPause = TimeSpan.FromMilliseconds(2);

    private readonly byte[] _hidden = new byte[hiddenSize * sizeof(float)];
    private int _sessions;

    /// <summary>Runs steps until stopped.</summary>
    /// <param name="busyShare">Share of the time to be busy, above 0.</param>
    /// <param name="stop">Ends it.</param>
    public void Run(double busyShare, CancellationToken stop)
    {
        var owed = TimeSpan.Zero;
        while (!stop.IsCancellationRequested)
        {
            var session = SessionId.Create(new PipelineEpoch(1), _sessions++);
            runtime.Open(session, Settings());
            for (var position = 0; position < Length && !stop.IsCancellationRequested; position++)
            {
                var started = clock.GetTimestamp();
                Step(session, position);
                owed += clock.GetElapsedTime(started) * ((1 - busyShare) / busyShare);
                if (owed >= _leastPause)
                {
                    var paused = clock.GetTimestamp();
                    stop.WaitHandle.WaitOne(owed);
                    owed -= clock.GetElapsedTime(paused);
                }
            }

            runtime.Release(session);
        }
    }

    private void Step(SessionId session, int position)
    {
        var path = new VerifiedPath(new CandidateId(position - 1), position);
        if (position > 0)
        {
            runtime.Commit(session, path);
        }

        runtime.BeginStep();
        runtime.TryAppend(
            new BatchPart
            {
                Session = session,
                Run = new RunId(0),
                Base = path,
                Candidates = [new CandidateId(position)],
                Tokens = [new TokenId(position % runtime.Description.VocabSize)],
                Parents = [new CandidateId(position - 1)],
                CertainCount = 1,
                FirstHeadRow = 0,
            }
        );
        runtime.Forward(
            runtime.Description.FirstLayer == 0 ? ReadOnlyMemory<byte>.Empty : _hidden,
            static () => false,
            drafts: null
        );
        if (runtime.Description.HasTargetHead)
        {
            runtime.Verify(0);
        }
        else
        {
            runtime.ReadHidden(_hidden);
        }
    }

    private static SessionSettings Settings() =>
        new()
        {
            Drafts = DraftSources.None,
            Sampling = new SamplingSettings(),
            MaxWidth = 1,
            ReservedLength = Length + 1,
            PromptLength = 1,
        };
}
