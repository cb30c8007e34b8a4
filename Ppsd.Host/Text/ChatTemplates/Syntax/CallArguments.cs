namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>The arguments of a call as written.</summary>
/// <param name="Positional">Those without a name, in order.</param>
/// <param name="Named">Those with a name.</param>
internal sealed record CallArguments(
    IReadOnlyList<Expression> Positional,
    IReadOnlyList<(string Name, Expression Value)> Named
)
{
    /// <summary>No arguments.</summary>
    public static readonly CallArguments None = new([], []);
}
