namespace Ppsd.Actors.Ids;

/// <summary>A token of the model's vocabulary.</summary>
/// <param name="Value">From 0.</param>
public readonly record struct TokenId(int Value)
{
    /// <summary>In place of a verdict that could not be given.</summary>
    public static TokenId None => new(-1);
}
