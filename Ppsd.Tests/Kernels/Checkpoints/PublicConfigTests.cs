using System.Text.Json.Nodes;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>Configurations of models that people have (Data/configs): read for what they are, or refused in a line.</summary>
public sealed class PublicConfigTests
{
    private static IEnumerable<TestCaseData> Taken() => Entries("taken.json", "differs");

    private static IEnumerable<TestCaseData> Refused() => Entries("refused.json", "field");

    [TestCaseSource(nameof(Taken))]
    public void A_model_of_a_family_is_read_with_all_that_differs(string differs, string json)
    {
        using var folder = new ConfigFolder();
        var found = string.Join(", ", FamilyDifferences.Of(ModelConfig.Read(folder.WithConfig(json).FullPath)));
        Assert.That(found.Length == 0 ? "nothing" : found, Is.EqualTo(differs));
    }

    [TestCaseSource(nameof(Refused))]
    public void A_model_of_another_family_is_refused_by_one_field_in_one_line(string field, string json)
    {
        using var folder = new ConfigFolder();
        var refusal = Refusal.Of(() => ModelConfig.Read(folder.WithConfig(json).FullPath));
        var value = JsonNode.Parse(json)![field]!;
        Assert.That(refusal, Does.StartWith($"{folder.ConfigPath}: {field}: expected "));
        Assert.That(refusal, Does.Not.Contain('\n'));
        if (value is JsonArray { Count: 1 } names)
        {
            Assert.That(refusal, Does.EndWith($"found [\"{names[0]}\"]"));
        }
    }

    private static IEnumerable<TestCaseData> Entries(string file, string expected)
    {
        var path = Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "configs", file);
        foreach (var entry in JsonNode.Parse(File.ReadAllText(path))!.AsArray())
        {
            yield return new TestCaseData(
                (string)entry![expected]!,
                entry["config"]!.ToJsonString()
            ).SetArgDisplayNames((string)entry["model"]!);
        }
    }
}
