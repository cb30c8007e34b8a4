using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// What a client without a tokenizer holds of a text: enough for another gateway to go on where one was lost. Pure; one owner.
/// </summary>
internal sealed class HeldText(StartText request)
{
    private readonly List<TokenId> _tokens = [];
    private TextTerms? _terms;
    private long _segments;
    private int _resumes;
    private int _replayed;
    private bool _wasAccepted;

    /// <summary>What to ask for now: the request, or what goes on with it.</summary>
    public StartText Request { get; private set; } = request;

    /// <summary>True once a gateway has accepted the present request.</summary>
    public bool IsAccepted { get; private set; }

    /// <summary>True after the text's end.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>True when it was lost and another gateway is to go on with it.</summary>
    public bool IsResuming => _resumes > 0 && !IsAccepted;

    /// <summary>A part of a gateway's as a part of the whole text; null for one that its reader has had.</summary>
    public IWireMessage? Take(IWireMessage part)
    {
        IsAccepted = true;
        switch (part)
        {
            case TextAccepted when _wasAccepted:
                return null;
            case TextEmitted emitted:
                _tokens.AddRange(emitted.Tokens ?? []);
                _terms ??= emitted.Terms;
                return emitted with { Index = _segments++ };
            case TextEnded ended:
                IsComplete = true;
                return ended with
                {
                    SegmentCount = _segments,
                    Stats = ended.Stats with
                    {
                        Resumes = ended.Stats.Resumes + _resumes,
                        ReplayedTokens = ended.Stats.ReplayedTokens + _replayed,
                    },
                };
            default:
                _wasAccepted |= part is TextAccepted;
                return part;
        }
    }

    /// <summary>
    /// The way to the text was lost. True when another gateway can go on with it: <see cref="Request"/> then says from where. Not
    /// without a seed of the client's own, as the next gateway would draw another.
    /// </summary>
    /// <param name="maxResumes">Times that it may be resumed.</param>
    public bool TryGoOn(int maxResumes)
    {
        if (_resumes >= maxResumes || Request.Settings is not { Resumes: true, Seed: not null })
        {
            return false;
        }

        IsAccepted = false;
        _resumes++;
        _replayed += _tokens.Count;
        if (_terms is not null)
        {
            Request = Request with { From = new ResumePoint([.. _tokens], _terms) };
        }

        return true;
    }
}
