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

    [Test]
    public void Compose_builds_a_missing_image_keeps_nodes_up_and_asks_for_no_exit_head_unless_one_is_named()
    {
        var services = ((YamlMappingNode)Load("docker-compose.yml").Single()["services"]).Children;
        foreach (var (name, node) in services)
        {
            var service = Merged((YamlMappingNode)node);
            var environment = Merged((YamlMappingNode)service["environment"]);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(service["build"].ToString(), Is.EqualTo("."), $"{name}");
                Assert.That(
                    service["restart"].ToString(),
                    Is.EqualTo(name.ToString() == "ask" ? "no" : "unless-stopped"),
                    $"{name}"
                );

                // Unset and empty are the same: nothing is given, and nothing stands before it.
                Assert.That(environment["PPSD_EXIT_HEAD"].ToString(), Is.EqualTo("${PPSD_EXIT_HEAD:-}"), $"{name}");
                Assert.That(environment["PPSD_MODEL"].ToString(), Is.EqualTo("${PPSD_MODEL:-gsm-llama}"), $"{name}");
                Assert.That(service["working_dir"].ToString(), Is.EqualTo("/models"), $"{name}");
            }
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

    /// <summary>A mapping with what YAML's merge key brings in; its own entries count first.</summary>
    private static Dictionary<string, YamlNode> Merged(YamlMappingNode mapping)
    {
        var merged = mapping.Children.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value);
        if (merged.Remove("<<", out var others))
        {
            foreach (var other in others is YamlSequenceNode list ? list.Children : [others])
            {
                foreach (var (key, value) in Merged((YamlMappingNode)other))
                {
                    merged.TryAdd(key, value);
                }
            }
        }

        return merged;
    }

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
