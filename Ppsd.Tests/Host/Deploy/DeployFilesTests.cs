using System.CommandLine;
using System.Text.RegularExpressions;
using Ppsd.Host.Commands;
using YamlDotNet.RepresentationModel;

namespace Ppsd.Tests.Host.Deploy;

/// <summary>Files that deploy: they parse, and say nothing that the program does not know.</summary>
public sealed partial class DeployFilesTests
{
    [Test]
    public void The_Kubernetes_example_is_two_services_and_two_stateful_sets()
    {
        var documents = Load("kubernetes.yaml");

        Assert.That(
            documents.Select(document => Text(document, "kind")),
            Is.EqualTo(["Service", "Service", "StatefulSet", "StatefulSet"])
        );
        Assert.That(
            documents.Select(document => Text(document, "apiVersion")),
            Is.EqualTo(["v1", "v1", "apps/v1", "apps/v1"])
        );
    }

    [Test]
    public void Compose_has_an_API_and_four_stages_in_each_profile_and_one_card_for_each_GPU_stage()
    {
        var services = (YamlMappingNode)Load("docker-compose.yml").Single()["services"];

        foreach (
            var (profile, cards) in (IEnumerable<(string, string[])>)
                [
                    ("cpu", []),
                    ("gpu1", ["0", "0", "0", "0"]),
                    ("gpu2", ["0", "0", "1", "1"]),
                    ("gpu4", ["0", "1", "2", "3"]),
                ]
        )
        {
            var members = services
                .Children.Values.Cast<YamlMappingNode>()
                .Where(service => ((YamlSequenceNode)service["profiles"]).Any(name => name.ToString() == profile))
                .ToList();
            Assert.That(members, Has.Count.EqualTo(5), profile);
            Assert.That(members.Count(service => service.Children.ContainsKey("ports")), Is.EqualTo(1), profile);
            Assert.That(members.SelectMany(Cards), Is.EqualTo(cards), profile);
        }
    }

    [TestCase("docker-compose.yml")]
    [TestCase("kubernetes.yaml")]
    public void Every_variable_is_the_twin_of_an_option(string file)
    {
        var known = Options(CommandLine.CreateRoot(TimeProvider.System)).Select(EnvironmentTwins.NameOf).ToHashSet();
        var set = Variable().Matches(File.ReadAllText(Path(file))).Select(match => match.Value).ToHashSet();

        Assert.That(set, Is.Not.Empty);
        Assert.That(set.Except(known), Is.Empty);
    }

    [GeneratedRegex(@"(?<=^\s+|name: )PPSD_[A-Z_]+(?=[:,])", RegexOptions.Multiline)]
    private static partial Regex Variable();

    private static IEnumerable<Option> Options(Command command) =>
        command.Options.Concat(command.Subcommands.SelectMany(Options));

    private static IEnumerable<string> Cards(YamlMappingNode service) =>
        service.Children.TryGetValue("deploy", out var deploy)
            ? ((YamlSequenceNode)deploy["resources"]["reservations"]["devices"][0]["device_ids"]).Select(id =>
                id.ToString()
            )
            : [];

    private static string Text(YamlNode node, string key) => node[key].ToString();

    private static List<YamlNode> Load(string file)
    {
        var stream = new YamlStream();
        using var reader = new StreamReader(Path(file));
        stream.Load(reader);
        return [.. stream.Documents.Select(document => document.RootNode)];
    }

    private static string Path(string file) =>
        System.IO.Path.Combine(TestContext.CurrentContext.TestDirectory, "Data", "deploy", file);
}
