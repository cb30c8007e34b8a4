namespace Ppsd.Actors.Speculation;

/// <summary>
/// Decides whether a session drafts, from its recent acceptance. Drafts that are mostly wrong only delay verified
/// tokens, so the session then decodes without drafts for a while and tries again. Affects when drafts are made, never
/// the text. Pure.
/// </summary>
/// <param name="minAcceptance">Share of drafts that must be confirmed, from 0 to 1; 0 never pauses.</param>
/// <param name="usual">What the share is elsewhere, as known so far: the session's own until it has shown one; null for 0.8.</param>
internal sealed class DraftPolicy(double minAcceptance, Func<double>? usual = null)
{
    private const double Weight = 1.0 / 32;
    private const int ShortestPause = 32;
    private const int LongestPause = 512;

    /// <summary>Verdicts that the usual share counts for, and those after which it counts no more.</summary>
    private const int Trust = 12;
    private const int Enough = 20;

    /// <summary>Initial margin above the threshold when drafting resumes: about ten consecutive rejections.</summary>
    private const double Credit = 0.15;

    private double _breakEven;
    private int _pause = ShortestPause;
    private int _tokensLeft;
    private int _judged;
    private int _right;
    private double _average;

    /// <summary>Share of drafts confirmed, a moving average over a few dozen verdicts; the usual one at first.</summary>
    public double Acceptance =>
        _judged >= Enough ? _average : (Trust * (usual?.Invoke() ?? 0.8) + _right) / (Trust + _judged);

    private double Least => Math.Max(minAcceptance, _breakEven);

    /// <summary>True while the session should draft.</summary>
    public bool IsDrafting => _tokensLeft == 0;

    /// <summary>Costs say below which acceptance drafts make decoding slower.</summary>
    public void SetBreakEven(double acceptance) => _breakEven = acceptance;

    /// <summary>Records a judged draft.</summary>
    public void NoteDraft(bool isConfirmed)
    {
        var average = Acceptance + Weight * ((isConfirmed ? 1 : 0) - Acceptance);
        _right += isConfirmed ? 1 : 0;
        _judged++;
        _average = _judged > Enough ? average : (Trust * (usual?.Invoke() ?? 0.8) + _right) / (Trust + _judged);
        if (Acceptance < Least && IsDrafting)
        {
            Pause();
        }
        else if (Acceptance > Least + 2 * Credit)
        {
            _pause = ShortestPause;
        }
    }

    /// <summary>Records a verified token.</summary>
    /// <param name="seenElsewhere">Share of drafts that other sessions have lately seen confirmed; 1 where too little was seen.</param>
    public void NoteToken(double seenElsewhere = 1)
    {
        if (_tokensLeft == 0 || --_tokensLeft > 0)
        {
            return;
        }

        if (seenElsewhere < _breakEven)
        {
            // What they saw fades, so some day one tries again.
            Pause();
            return;
        }

        (_judged, _average) = (Enough, Math.Min(1, Least + Credit));
    }

    private void Pause()
    {
        _tokensLeft = _pause;
        _pause = Math.Min(_pause * 2, LongestPause);
    }
}
