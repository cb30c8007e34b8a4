namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>The arguments of a call as written.</summary>
/// <param name="Positional">Those without a name, in order.</param>
/// <param name="Named">Those with a name.</param>
/// <param name="Sequence">What <c>*</c> unpacks after the positional ones; null for nothing.</param>
/// <param name="Map">What <c>**</c> unpacks after the named ones; null for nothing.</param>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named,
    Expression? Sequence = null,
    Expression? Map = null
)
{
    /// <summary>No arguments.</summary>
    public static readonly CallArguments None = new([], []);
}
