using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>Times a stage's steps by hand, without a pipeline, as the stage actor would run them.</summary>
/// <param name="runtime">The stage; its thread is the caller's.</param>
/// <param name="hiddenSize">Values of a hidden state.</param>
internal sealed class StageProbe(IStageRuntime runtime, int hiddenSize, TimeProvider clock)
{
    private const int WarmUpSteps = 24;
    private const int Steps = 64;
    private const int WarmUpPromptTokens = 8;
    private const int MostWarmUpTokens = 128;
    private readonly List<DraftedToken> _drafts = [];
    private readonly byte[] _hidden = new byte[hiddenSize * sizeof(float)];
    private int _sessions;

    /// <summary>Tokens that a measurement adds to the text it begins with.</summary>
    public static int AddedTokens => WarmUpSteps + Steps;

    /// <summary>Times steps of one candidate behind a text.</summary>
    /// <param name="length">Tokens of the text before the first step.</param>
    public StageTiming Measure(int length)
    {
        var session = Open(length, AddedTokens);
        var at = length;
        var layers = new List<double>();
        var heads = new List<double>();
        for (var step = 0; step < WarmUpSteps + Steps; step++, at++)
        {
            var started = clock.GetTimestamp();
            RunLayers(session, at);
            var layersDone = clock.GetTimestamp();
            RunHead(at);
            if (step >= WarmUpSteps)
            {
                layers.Add(clock.GetElapsedTime(started, layersDone).TotalMilliseconds);
                heads.Add(clock.GetElapsedTime(layersDone).TotalMilliseconds);
            }
        }

        runtime.Release(session);
        return new StageTiming(Statistics.Median(layers), Statistics.Median(heads));
    }

    /// <summary>
    /// Runs a prompt and steps behind it for a while, so that code is compiled before the first text needs it: a stage that
    /// starts cold decodes its first texts at a quarter of its speed.
    /// </summary>
    /// <param name="duration">How long; at least one step, and no more than fit the cache.</param>
    public void WarmUp(TimeSpan duration)
    {
        var room = Math.Min(MostWarmUpTokens, runtime.Description.MaxLength - WarmUpPromptTokens - 1);
        if (room < 1)
        {
            return;
        }

        var started = clock.GetTimestamp();
        do
        {
            var session = Open(WarmUpPromptTokens, room);
            for (var at = WarmUpPromptTokens; at < WarmUpPromptTokens + room; at++)
            {
                RunLayers(session, at);
                RunHead(at);
                if (clock.GetElapsedTime(started) >= duration)
                {
                    break;
                }
            }

            runtime.Release(session);
        } while (clock.GetElapsedTime(started) < duration);
    }

    /// <summary>Opens a session and runs its prompt.</summary>
    private SessionId Open(int length, int addedTokens)
    {
        var session = SessionId.Create(new PipelineEpoch(1), _sessions++);
        runtime.Open(
            session,
            new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = 1,
                ReservedLength = length + addedTokens + 1,
                PromptLength = Math.Max(1, length),
            }
        );
        for (var at = 0; at < length; at += runtime.Description.MaxRows)
        {
            var rows = Math.Min(runtime.Description.MaxRows, length - at);
            Append(session, at, rows, firstHeadRow: rows);
            if (runtime.Description.HasExitHead)
            {
                runtime.RunExitHead(new DraftRequest(rows, runtime.Description.StandardDepth));
            }
        }

        return session;
    }

    private void RunLayers(SessionId session, int at)
    {
        Append(session, at, 1, firstHeadRow: 0);
        if (!runtime.Description.HasTargetHead)
        {
            runtime.ReadHidden(_hidden);
        }
    }

    private void RunHead(int at)
    {
        if (runtime.Description.HasTargetHead)
        {
            runtime.Verify(0);
        }
        else if (runtime.Description.HasExitHead)
        {
            runtime.RunExitHead(new DraftRequest(0, runtime.Description.StandardDepth));
            _drafts.Clear();
            runtime.Draft(0, new CandidateId(at), 1, _drafts);
        }
    }

    private void Append(SessionId session, int at, int rows, int firstHeadRow)
    {
        var path = new VerifiedPath(new CandidateId(at - 1), at);
        if (at > 0)
        {
            runtime.Commit(session, path);
        }

        var vocabSize = runtime.Description.VocabSize;
        runtime.BeginStep();
        runtime.TryAppend(
            new BatchPart
            {
                Session = session,
                Run = new RunId(0),
                Base = path,
                Candidates = [.. Enumerable.Range(at, rows).Select(id => new CandidateId(id))],
                Tokens = [.. Enumerable.Range(at, rows).Select(id => new TokenId(id % vocabSize))],
                Parents = [.. Enumerable.Range(at - 1, rows).Select(id => new CandidateId(id))],
                CertainCount = rows,
                FirstHeadRow = firstHeadRow,
            }
        );
        var hidden = runtime.Description.FirstLayer == 0 ? [] : new byte[rows * hiddenSize * sizeof(float)];
        runtime.Forward(
            hidden,
            static () => false,
            runtime.Description is { HasExitHead: true, HasTargetHead: false, StandardDepth: var depth }
                ? new DraftRequest(firstHeadRow, depth)
                : null
        );
    }
}

/// <summary>Median milliseconds of a step of one candidate.</summary>
/// <param name="LayersMs">The layers, the cache's bookkeeping and the hidden state's way to the host.</param>
/// <param name="HeadMs">The target head or the exit head, drawing included; 0 without one.</param>
internal sealed record StageTiming(double LayersMs, double HeadMs);
