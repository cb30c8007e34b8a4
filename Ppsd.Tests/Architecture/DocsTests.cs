using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ppsd.Tests.Architecture;

/// <summary>What a page names exists: files it links to or quotes, and the methods in life-of-a-token.md.</summary>
[Parallelizable(ParallelScope.All)]
public sealed partial class DocsTests
{
    private static IEnumerable<string> Pages() =>
        Directory
            .EnumerateFiles(Repository.Root, "*.md")
            .Select(path => Path.GetFileName(path))
            .Concat(Repository.Files("docs", "*.md"))
            .Concat(Repository.Files("models", "*.md"))
            .Concat(Repository.Files("Ppsd.Tests/Data", "*.md"));

    [TestCaseSource(nameof(Pages))]
    public void Links_lead_to_files_that_exist(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        var dead = LinkPattern()
            .Matches(Text(page))
            .Select(match => match.Groups["target"].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Select(target => target.Split('#')[0])
            .Where(target => !Path.Exists(Path.Combine(folder, target)));

        Assert.That(dead, Is.Empty);
    }

    [TestCaseSource(nameof(Pages))]
    public void Quoted_source_paths_exist(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        var dead = PathPattern()
            .Matches(Text(page))
            .Select(match => match.Groups["path"].Value)
            .Where(path => !path.Contains('*') && !Path.Exists(Path.Combine(Repository.Root, path)))
            .Where(path => !Path.Exists(Path.Combine(folder, path)));

        Assert.That(dead, Is.Empty);
    }

    [Test]
    public void The_life_of_a_token_names_methods_that_exist()
    {
        var places = MethodPattern()
            .Matches(Text("docs/life-of-a-token.md"))
            .Select(match => (File: match.Groups["file"].Value, Method: match.Groups["method"].Value))
            .ToList();

        Assert.That(places, Has.Count.GreaterThan(25));
        Assert.That(places.Where(place => !Declares(place.File, place.Method)), Is.Empty);
    }

    private static bool Declares(string file, string method) =>
        File.Exists(Path.Combine(Repository.Root, file))
        && CSharpSyntaxTree
            .ParseText(Text(file))
            .GetRoot()
            .DescendantNodes()
            .OfType<MethodDeclarationSyntax>()
            .Any(declared => declared.Identifier.Text == method);

    private static string Text(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex LinkPattern();

    [GeneratedRegex(@"`(?<path>(Ppsd\.\w+|hocon|docs|models|\.ci|\.github)/[^`\s:]+)`")]
    private static partial Regex PathPattern();

    [GeneratedRegex(@"`(?<file>[\w./]+\.cs):(?<method>\w+)`")]
    private static partial Regex MethodPattern();
}
