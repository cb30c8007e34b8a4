using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>A session's part of the next micro-batch while its rows are chosen.</summary>
internal sealed class PartBuilder
{
    private readonly List<CandidateId> _candidates = [];
    private readonly List<TokenId> _tokens = [];
    private readonly List<CandidateId> _parents = [];

    /// <summary>Rows so far.</summary>
    public int Count => _candidates.Count;

    /// <summary>Leading rows that are verified.</summary>
    public int CertainCount { get; set; }

    /// <summary>Tokens the exit head drafts ahead; 0 for as many as the session's settings say.</summary>
    public int Depth { get; set; }

    /// <summary>True when the exit head need not run for these rows.</summary>
    public bool SkipsHead { get; set; }

    /// <summary>Adds a row; its parent has entered, with this part or before.</summary>
    public void Add(CandidateId candidate, TokenId token, CandidateId parent)
    {
        _candidates.Add(candidate);
        _tokens.Add(token);
        _parents.Add(parent);
    }

    /// <summary>Returns the part, whose rows all need a successor, and starts the next one.</summary>
    public BatchPart Build(SessionId session, RunId run, VerifiedPath path, bool isDrafting)
    {
        var part = new BatchPart
        {
            Session = session,
            Run = run,
            Base = path,
            Candidates = [.. _candidates],
            Tokens = [.. _tokens],
            Parents = [.. _parents],
            CertainCount = CertainCount,
            FirstHeadRow = 0,
            IsDrafting = isDrafting,
            Depth = Depth,
            SkipsHead = SkipsHead,
        };
        _candidates.Clear();
        _tokens.Clear();
        _parents.Clear();
        CertainCount = 0;
        return part;
    }
}
