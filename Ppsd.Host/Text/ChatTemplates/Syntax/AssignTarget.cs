namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>What <c>set</c> and <c>for</c> assign to.</summary>
/// <param name="At">Its place in the template.</param>
internal abstract record AssignTarget(int At)
{
    /// <summary>A variable of the innermost scope.</summary>
    public sealed record Variable(int At, string Name) : AssignTarget(At);

    /// <summary><c>name.field</c>, where name is a namespace.</summary>
    public sealed record Field(int At, string Namespace, string Name) : AssignTarget(At);

    /// <summary>Several targets, which take the elements of a sequence.</summary>
    public sealed record Several(int At, IReadOnlyList<AssignTarget> Targets) : AssignTarget(At);
}
