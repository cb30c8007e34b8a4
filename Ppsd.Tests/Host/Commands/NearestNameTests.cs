using Ppsd.Host.Commands;

namespace Ppsd.Tests.Host.Commands;

public sealed class NearestNameTests
{
    private static readonly string[] _known = ["--max-tokens", "--max-width", "--port", "--stages", "--stage-layers"];

    [TestCase("--max-token", "--max-tokens")]
    [TestCase("--maxtokens", "--max-tokens")]
    [TestCase("--prot", "--port")]
    [TestCase("--stage", "--stages")]
    [TestCase("--stagelayers", "--stage-layers")]
    [TestCase("--bogus", null)]
    [TestCase("--p", null)]
    public void The_nearest_name_is_found_where_one_is_near(string misspelt, string? expected) =>
        Assert.That(NearestName.Find(misspelt, _known), Is.EqualTo(expected));
}
