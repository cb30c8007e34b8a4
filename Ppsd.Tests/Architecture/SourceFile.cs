using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ppsd.Tests.Architecture;

/// <summary>A source file as the rules of architecture see it: where it is, what it declares, and what its code names.</summary>
/// <param name="Path">Path in the repository, with slashes.</param>
/// <param name="Namespace">Its namespace; empty for top-level statements.</param>
/// <param name="Types">Types that it declares outside of other types.</param>
/// <param name="Names">Simple names in its code, without members of something else; comments do not count.</param>
/// <param name="Usings">Namespaces that it imports.</param>
internal sealed record SourceFile(
    string Path,
    string Namespace,
    IReadOnlySet<string> Types,
    IReadOnlySet<string> Names,
    IReadOnlySet<string> Usings
)
{
    private static readonly CSharpParseOptions _options = new(
        LanguageVersion.Latest,
        DocumentationMode.None,
        SourceCodeKind.Regular
    );

    /// <summary>Folder in the repository.</summary>
    public string Folder => Path[..Path.LastIndexOf('/')];

    /// <summary>Whether the file may name types of a namespace without qualifying them.</summary>
    public bool Sees(string other) =>
        Namespace == other || Namespace.StartsWith(other + ".", StringComparison.Ordinal) || Usings.Contains(other);

    /// <summary>Parses a file.</summary>
    public static SourceFile Read(string path)
    {
        var root = CSharpSyntaxTree
            .ParseText(File.ReadAllText(System.IO.Path.Combine(Repository.Root, path)), _options)
            .GetCompilationUnitRoot();
        var types = root.DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax);
        var names = root.DescendantNodes(node => node is not UsingDirectiveSyntax)
            .OfType<SimpleNameSyntax>()
            .Where(StandsAlone);
        return new SourceFile(
            path,
            root.Members.OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString() ?? "",
            types.OfType<BaseTypeDeclarationSyntax>().Select(type => type.Identifier.Text).ToHashSet(),
            names.Select(name => name.Identifier.Text).ToHashSet(),
            root.Usings.Select(directive => directive.NamespaceOrType.ToString()).ToHashSet()
        );
    }

    private static bool StandsAlone(SimpleNameSyntax name) =>
        name.Parent switch
        {
            MemberAccessExpressionSyntax access => access.Name != name,
            QualifiedNameSyntax qualified => qualified.Right != name,
            AssignmentExpressionSyntax { Parent: InitializerExpressionSyntax } assignment => assignment.Left != name,
            MemberBindingExpressionSyntax or NameColonSyntax or NameEqualsSyntax => false,
            _ => true,
        };
}
