using Ppsd.Host.Commands;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>One name of an address means one thing; older names still do.</summary>
public sealed class NodeOptionTests
{
    [TestCase("stage", "PPSD_CLUSTER_PORT", "--cluster-port=4053")]
    [TestCase("stage", "PPSD_PORT", "--cluster-port=4053")]
    [TestCase("stage", "PPSD_HOSTNAME", "--cluster-hostname=4053")]
    [TestCase("serve", "PPSD_CLUSTER_PORT", "--cluster-port=4053")]
    [TestCase("serve", "PPSD_PORT", "--port=4053")]
    public void A_variable_is_the_twin_of_an_option_and_of_its_older_name(
        string command,
        string variable,
        string expected
    )
    {
        var root = CommandLine.CreateRoot(TimeProvider.System);
        var expanded = EnvironmentTwins.Expand(root, [command], name => name == variable ? "4053" : null).Arguments;
        Assert.That(expanded, Is.EqualTo(new[] { command, expected }));
    }

    [Test]
    public void The_name_that_says_more_wins()
    {
        var root = CommandLine.CreateRoot(TimeProvider.System);
        var expanded = EnvironmentTwins.Expand(
            root,
            ["stage"],
            name =>
                name is "PPSD_PORT" ? "8000"
                : name is "PPSD_CLUSTER_PORT" ? "4053"
                : null
        );
        Assert.That(expanded.Arguments, Is.EqualTo(new[] { "stage", "--cluster-port=4053" }));
    }

    [TestCase("--port abc", "--port: expected a number from 0 to 65535, found 'abc'")]
    [TestCase("--port", "--port: expected PORT, found nothing")]
    [TestCase("--cluster-port abc", "--cluster-port: expected a number from 0 to 65535, found 'abc'")]
    [TestCase("--hostname 192.0.2.1", "--hostname: expected an address of this machine, found '192.0.2.1'")]
    [TestCase(
        "--cluster-hostname nosuch.invalid",
        "--cluster-hostname: expected an address of this machine, found 'nosuch.invalid', a name that cannot be resolved"
    )]
    public async Task A_refusal_names_the_option_as_it_was_written(string options, string expected)
    {
        var result = await Cli.RunAsync(["stage", "--stages", "2", .. options.Split(' ')]);

        Assert.That((result.ExitCode, result.Error), Is.EqualTo((2, $"ppsd: {expected}\n")));
    }

    [Test]
    public void An_older_name_is_still_taken_on_the_command_line()
    {
        var root = CommandLine.CreateRoot(TimeProvider.System);
        Assert.That(root.Parse(["stage", "--port", "4053", "--hostname", "10.0.0.1"]).Errors, Is.Empty);
    }
}
