using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// Which of a session's sources draft: each as long as the pipeline's costs let it and its own drafts are right often enough.
/// An exit head that is mostly wrong must not live on what n-grams get right. Pure; one owner.
/// </summary>
/// <param name="drafts">The sources.</param>
/// <param name="minAcceptance">Share of drafts that must be confirmed; see <see cref="DraftPolicy"/>.</param>
/// <param name="calibration">What similar sessions' drafts are like, and learns from these.</param>
internal sealed class SourcePolicies(DraftSources drafts, double minAcceptance, DraftCalibration calibration)
{
    private readonly DraftPolicy? _head =
        (drafts & DraftSources.ExitHead) != 0
            ? new(minAcceptance, () => calibration.RateOf(DraftSource.ExitHead))
            : null;
    private readonly DraftPolicy? _text =
        (drafts & DraftSources.NGrams) != 0 ? new(minAcceptance, () => calibration.RateOf(DraftSource.NGram)) : null;
    private double _leastChance;

    /// <summary>True while costs let the exit head draft.</summary>
    public bool MayHead { get; set; } = true;

    /// <summary>True while costs let n-grams draft.</summary>
    public bool MayText { get; set; } = true;

    /// <summary>True while other sessions decode too, which then need not try all that one of them has tried.</summary>
    public bool IsShared { get; set; }

    /// <summary>True while the exit head should draft.</summary>
    public bool HeadDrafts => MayHead && _head is { IsDrafting: true };

    /// <summary>True while any source should.</summary>
    public bool Draft => HeadDrafts || (MayText && _text is { IsDrafting: true });

    /// <summary>Share of drafts confirmed lately: the exit head's where there is one.</summary>
    public double Acceptance => (_head ?? _text)?.Acceptance ?? 0;

    /// <summary>
    /// The same where it is to be believed at a price: no more than what similar sessions' exit heads have shown. After a pause a
    /// session thinks better of its head than it has seen.
    /// </summary>
    public double SureAcceptance => Math.Min(Acceptance, calibration.RateOf(DraftSource.ExitHead));

    /// <summary>
    /// Chance below which a draft that would enter with no verified token delays more than it brings; 0 beside an exit head. n-grams
    /// propose what they have, likely or not.
    /// </summary>
    public double LeastChance => HeadDrafts ? 0 : _leastChance;

    /// <summary>Costs say below which acceptance drafts of the exit head make decoding slower.</summary>
    public void SetBreakEvenOfHead(double acceptance) => _head?.SetBreakEven(acceptance);

    /// <summary>The same of n-grams.</summary>
    public void SetBreakEvenOfText(double acceptance)
    {
        _leastChance = acceptance;
        _text?.SetBreakEven(acceptance);
    }

    /// <summary>Records a verified token.</summary>
    public void NoteToken()
    {
        calibration.FadeRates();
        _head?.NoteToken(SeenElsewhere(DraftSource.ExitHead));
        _text?.NoteToken(SeenElsewhere(DraftSource.NGram));
    }

    /// <summary>Records a verdict on drafts in flight.</summary>
    /// <param name="judged">The token before them.</param>
    /// <param name="next">The one that was right, in flight; null for none.</param>
    public void Note(TokenNode judged, TokenNode? next)
    {
        if (_head is not null && _text is not null)
        {
            Note(_head, DraftSource.ExitHead, judged, next);
            Note(_text, DraftSource.NGram, judged, next);
        }
        else if ((_head ?? _text) is { } policy)
        {
            Note(policy, _head is null ? DraftSource.NGram : DraftSource.ExitHead, isRight: next is not null);
        }
    }

    private double SeenElsewhere(DraftSource source) => IsShared ? calibration.SeenRateOf(source) : 1;

    private void Note(DraftPolicy policy, DraftSource source, bool isRight)
    {
        calibration.NoteRate(source, isRight);
        policy.NoteDraft(isRight);
    }

    private void Note(DraftPolicy policy, DraftSource source, TokenNode judged, TokenNode? next)
    {
        for (var child = judged.FirstChild; child is not null; child = child.NextSibling)
        {
            if (child.Id is not null && child.IsClaimedBy(source))
            {
                Note(policy, source, next?.IsClaimedBy(source) ?? false);
                return;
            }
        }
    }
}
