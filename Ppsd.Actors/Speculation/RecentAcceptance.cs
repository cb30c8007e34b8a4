namespace Ppsd.Actors.Speculation;

/// <summary>How often a session's drafts were right lately: a moving average that forgets what lies a few dozen verdicts back.</summary>
internal sealed class RecentAcceptance
{
    private const double Weight = 1.0 / 16;

    /// <summary>Share of drafts confirmed, from 0 to 1; starts hopeful.</summary>
    public double Rate { get; private set; } = 0.8;

    /// <summary>A draft was judged.</summary>
    public void Note(bool confirmed) => Rate += Weight * ((confirmed ? 1 : 0) - Rate);
}
