namespace Ppsd.Actors.Ids;

/// <summary>A token of the model's vocabulary.</summary>
/// <param name="Value">From 0.</param>
public readonly record struct TokenId(int Value);
