namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>One token of a template.</summary>
/// <param name="Text">Its text; of a string literal, its value.</param>
/// <param name="At">Where it begins in the template.</param>
internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int At)
{
    /// <summary>Whether this is the operator or bracket.</summary>
    public bool IsOperator(string text) => Kind == TemplateTokenKind.Operator && Text == text;

    /// <summary>Whether this is the name or keyword.</summary>
    public bool IsName(string text) => Kind == TemplateTokenKind.Name && Text == text;

    /// <summary>The token as messages show it.</summary>
    public override string ToString() =>
        Kind switch
        {
            TemplateTokenKind.End => "the end of the template",
            TemplateTokenKind.StatementEnd => "'%}'",
            TemplateTokenKind.PrintEnd => "'}}'",
            TemplateTokenKind.Text => "text",
            TemplateTokenKind.String => "a string",
            _ => $"'{Text}'",
        };
}
