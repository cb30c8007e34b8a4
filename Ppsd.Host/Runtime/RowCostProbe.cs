using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Runtime;

/// <summary>
/// Measures what rows and drafts cost on a stage that has just been loaded: steps of one candidate, of as many as a session
/// may have and of as many as the stage takes, without its exit head and with it, one token ahead and as far as it goes.
/// Drafts are chosen by these costs. Runs on the stage's thread.
/// </summary>
/// <param name="runtime">The stage; no session is open on it.</param>
/// <param name="length">Tokens of text before the steps.</param>
/// <param name="repetitions">Steps of each kind; the fastest counts. Fewer where steps are slow.</param>
/// <param name="enough">Steps of each kind that are enough once 30 ms have passed.</param>
internal sealed class RowCostProbe(
    IStageRuntime runtime,
    TimeProvider clock,
    int length = 16,
    int repetitions = 6,
    int enough = 2
)
{
    private const int WarmUps = 2;

    /// <summary>Time after which fewer repetitions are enough, because a first text waits for them.</summary>
    private static readonly TimeSpan _brief = TimeSpan.FromMilliseconds(30);

    /// <summary>Rows of the wide step: those that a session that leaves its width open may have.</summary>
    private const int Most = 8;

    /// <summary>Time after which only one repetition is still owed.</summary>
    private readonly TimeSpan _patience = TimeSpan.FromMilliseconds(100 * repetitions);

    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(0), 0);
    private readonly List<DraftedToken> _drafts = [];
    private readonly byte[] _hidden = new byte[
        runtime.Description.MaxRows * runtime.Description.HiddenSize * sizeof(float)
    ];
    private int _next;
    private VerifiedPath _text = VerifiedPath.Empty;

    /// <summary>A kind of step: its candidates, and what the exit head does with them; null for no exit head.</summary>
    private readonly record struct Kind(int Rows, DraftRequest? Request);

    /// <summary>Measures.</summary>
    public RowCosts Measure()
    {
        var stage = runtime.Description;
        var capacity = (int)Math.Min(stage.MaxLength, (long)stage.PageCount * stage.PageSize);
        var width = Math.Min(Math.Min(Most, stage.MaxWidth), stage.MaxRows);
        var prompt = Math.Min(length, capacity - width);
        if (width < 2 || prompt < 1)
        {
            // Nothing to compare, or a KV cache that holds no wide step beside a prompt.
            return default;
        }

        var all = Math.Min(Math.Min(stage.CandidatesPerStep, stage.MaxRows), capacity - prompt);
        var many = Math.Max(width, all);
        var drafts = stage.HasExitHead && (!stage.HasTargetHead || stage.DraftDepth > 1);
        Kind[] kinds =
        [
            new(1, null),
            new(width, null),
            new(many, null),
            .. drafts
                ? (Kind[])
                    [
                        new(1, new DraftRequest(FirstRow: 1, Depth: 1)),
                        new(1, new DraftRequest(FirstRow: 0, Depth: 1)),
                        new(width, new DraftRequest(FirstRow: 0, Depth: 1)),
                        new(1, new DraftRequest(FirstRow: 0, stage.StandardDepth)),
                        new(width, new DraftRequest(FirstRow: 0, stage.StandardDepth)),
                    ]
                : [],
        ];
        Open(prompt, Math.Min(capacity, prompt + 2 * many));
        try
        {
            var ms = Fastest(kinds);
            var costs = new RowCosts(ms[0], Share(ms[1] - ms[0], width - 1))
            {
                Width = width,
                WideRowMs = Share(ms[2] - ms[1], many - width),
            };
            return drafts ? WithHead(costs, ms, width, stage.StandardDepth) : costs;
        }
        finally
        {
            runtime.Release(_session);
        }
    }

    private static RowCosts WithHead(RowCosts costs, double[] ms, int width, int depth)
    {
        var (head, headOfMany) = (ms[4] - ms[0], ms[5] - ms[1]);
        var (chain, chainOfMany) = (ms[6] - ms[4], ms[7] - ms[5]);
        return costs with
        {
            EnterMs = Share(ms[3] - ms[0], 1),
            HeadMs = Share(head, 1),
            HeadRowMs = Share(headOfMany - Math.Max(0, head), width - 1),
            ChainMs = Share(chain, depth - 1),
            ChainRowMs = Share(chainOfMany - Math.Max(0, chain), (depth - 1) * (width - 1)),
        };
    }

    /// <summary>A difference of times, never below 0, divided; 0 where there is nothing to divide by.</summary>
    private static double Share(double ms, int count) => count > 0 ? Math.Max(0, ms) / count : 0;

    /// <summary>
    /// Milliseconds of each kind of step. The fastest counts, since other programs only make a step slower, and the kinds
    /// take turns, so that they are slowed alike. The first ones compile.
    /// </summary>
    private double[] Fastest(Kind[] kinds)
    {
        var fastest = new double[kinds.Length];
        Array.Fill(fastest, double.PositiveInfinity);
        var started = clock.GetTimestamp();
        for (var i = -WarmUps; i < repetitions; i++)
        {
            var elapsed = clock.GetElapsedTime(started);
            var isLate = elapsed >= _patience;
            if ((isLate && i > 0) || (elapsed >= _brief && i >= enough))
            {
                break;
            }

            if (isLate && i < 0)
            {
                i = 0;
            }

            for (var kind = 0; kind < kinds.Length; kind++)
            {
                var ms = Step(kinds[kind], isPrompt: false);
                fastest[kind] = i < 0 ? fastest[kind] : Math.Min(fastest[kind], ms);
            }
        }

        return fastest;
    }

    private void Open(int prompt, int reserved)
    {
        runtime.Open(
            _session,
            new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = Math.Min(runtime.Description.MaxWidth, runtime.Description.MaxRows),
                ReservedLength = reserved,
                PromptLength = prompt,
            }
        );
        while (_text.Length < prompt)
        {
            var rows = Math.Min(prompt - _text.Length, runtime.Description.MaxRows);
            var request = runtime.Description.HasExitHead ? new DraftRequest(rows, Depth: 1) : (DraftRequest?)null;
            Step(new Kind(rows, request), isPrompt: true);
        }
    }

    /// <summary>Milliseconds of a step of candidates that follow one another; those of no prompt are taken back after it.</summary>
    private double Step(Kind kind, bool isPrompt)
    {
        var description = runtime.Description;
        var rows = kind.Rows;
        var bytes = rows * description.HiddenSize * sizeof(float);
        var hidden = description.FirstLayer == 0 ? [] : new byte[bytes];
        var started = clock.GetTimestamp();
        runtime.Rollback(_session, _text);
        runtime.BeginStep();
        runtime.TryAppend(
            new BatchPart
            {
                Session = _session,
                Run = new RunId(0),
                Base = _text,
                Candidates = [.. Enumerable.Range(_next, rows).Select(id => new CandidateId(id))],
                Tokens = [.. Enumerable.Range(0, rows).Select(id => new TokenId(id % description.VocabSize))],
                Parents =
                [
                    .. Enumerable
                        .Range(0, rows)
                        .Select(row => row == 0 ? _text.Head : new CandidateId(_next + row - 1)),
                ],
                CertainCount = isPrompt ? rows : 0,
                FirstHeadRow = isPrompt ? rows : 0,
            }
        );
        runtime.Forward(hidden, static () => false, kind.Request);
        if (!description.HasTargetHead)
        {
            runtime.ReadHidden(_hidden.AsSpan(0, bytes));
        }

        if (kind.Request is { } request)
        {
            runtime.RunExitHead(request);
            _drafts.Clear();
            for (var row = request.FirstRow; row < rows; row++)
            {
                runtime.Draft(row, new CandidateId(_next + row), width: 2, _drafts);
            }
        }

        if (description.HasTargetHead && !isPrompt)
        {
            runtime.Verify(0);
        }

        _next += rows;
        if (isPrompt)
        {
            _text = new VerifiedPath(new CandidateId(_next - 1), _text.Length + rows);
        }

        return clock.GetElapsedTime(started).TotalMilliseconds;
    }
}
