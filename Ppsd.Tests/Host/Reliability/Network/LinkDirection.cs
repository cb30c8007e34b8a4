namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>What becomes of frames that one host sends to another.</summary>
internal sealed record LinkRule
{
    /// <summary>All arrive at once and in order.</summary>
    public static LinkRule Good { get; } = new();

    /// <summary>None arrives.</summary>
    public static LinkRule Cut { get; } = new() { Loss = 1 };

    /// <summary>Probability that a frame is lost.</summary>
    public double Loss { get; init; }

    /// <summary>Time that each takes.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Most time that one takes longer than that, in equal shares; those behind it wait for it.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Probability that a frame takes <see cref="Detour"/> longer and those behind it do not wait.</summary>
    public double Reorder { get; init; }

    /// <summary>What a frame that is overtaken takes longer.</summary>
    public TimeSpan Detour { get; init; } = TimeSpan.FromMilliseconds(5);
}

/// <summary>A link from one host to another, in this direction only. Pure; one owner.</summary>
/// <param name="random">Decides about each frame.</param>
internal sealed class LinkDirection(Random random)
{
    private TimeSpan _last;

    /// <summary>What it does now.</summary>
    public LinkRule Rule { get; set; } = LinkRule.Good;

    /// <summary>When a frame arrives that is sent now; null when it is lost.</summary>
    /// <param name="now">Never earlier than the last time.</param>
    public TimeSpan? ArrivalOf(TimeSpan now)
    {
        var rule = Rule;
        if (rule.Loss > 0 && random.NextDouble() < rule.Loss)
        {
            return null;
        }

        var arrival = now + rule.Delay + (rule.Jitter * random.NextDouble());
        if (rule.Reorder > 0 && random.NextDouble() < rule.Reorder)
        {
            return arrival + rule.Detour;
        }

        _last = arrival > _last ? arrival : _last;
        return _last;
    }
}
