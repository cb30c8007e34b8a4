using Ppsd.Actors.Messages;

namespace Ppsd.Host.Planning;

/// <summary>An exit head that could be used.</summary>
/// <param name="ExitLayer">Layers before it: those of stage 1.</param>
/// <param name="HeadMs">Milliseconds it takes for one candidate, one token ahead.</param>
public sealed record ExitHeadCosts(int ExitLayer, double HeadMs)
{
    /// <summary>Most tokens that it is to draft ahead: more than 1 of a chain.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>What its steps and further candidates cost a chain; one token ahead, only <see cref="HeadMs"/> counts.</summary>
    public RowCosts Rows { get; init; }

    /// <summary>Costs of the stage that holds it.</summary>
    /// <param name="stage">The stage without it.</param>
    public RowCosts On(RowCosts stage) =>
        stage with
        {
            EnterMs = Rows.EnterMs,
            HeadMs = HeadMs,
            HeadRowMs = Rows.HeadRowMs,
            ChainMs = Rows.ChainMs,
            ChainRowMs = Rows.ChainRowMs,
        };
}
