using System.Text.Json;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Commands;

/// <summary>Standard output is the result's, whatever libraries say meanwhile.</summary>
public sealed class JsonOutputTests
{
    /// <summary>Everything that Akka can say, through the loggers that write to standard output.</summary>
    private const string Talkative = """
        akka {
          loglevel = DEBUG
          loggers = ["Akka.Event.DefaultLogger, Akka"]
          stdout-loglevel = DEBUG
          stdout-logger-class = "Akka.Event.StandardOutLogger, Akka"
        }
        """;

    private ToyCluster _cluster = null!;
    private string _config = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _config = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"talkative-{Guid.NewGuid():N}.conf");
        await File.WriteAllTextAsync(_config, Talkative);
        _cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var seed = _cluster.AddStage();
        _cluster.AddStage();
        await ToyCluster.FormedAsync(seed);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _cluster.DisposeAsync();
        File.Delete(_config);
    }

    [TestCase("generate hi --max-tokens 4 --json")]
    [TestCase("cluster status --json --join SEED")]
    [TestCase("bench decode --synthetic toy --repetitions 1 --max-tokens 4 --stages 2 --json")]
    [TestCase("bench link --payloads 1024 --messages 10 -o json")]
    public async Task A_json_form_is_all_there_is_on_standard_output(string commandLine)
    {
        var seed = _cluster.Nodes[0].Address.Split('@')[1];
        var result = await Cli.RunAsync(
            commandLine.Replace("SEED", seed, StringComparison.Ordinal).Split(' '),
            new Dictionary<string, string> { ["PPSD_CONFIG"] = _config }
        );

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.OutputLines, Has.Length.EqualTo(1), result.Output);
        using var json = JsonDocument.Parse(result.OutputLines[0]);
        Assert.That(json.RootElement.ValueKind, Is.EqualTo(JsonValueKind.Object));
    }
}
