namespace Ppsd.Actors.Ids;

/// <summary>A stage's place in its pipeline.</summary>
/// <param name="Value">From 0; output shows <see cref="Number"/>.</param>
public readonly record struct StageIndex(int Value)
{
    /// <summary>The stage as people count: from 1.</summary>
    public int Number => Value + 1;
}
