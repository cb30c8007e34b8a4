using Ppsd.Host.Commands;

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

    [Test]
    public void An_older_name_is_still_taken_on_the_command_line()
    {
        var root = CommandLine.CreateRoot(TimeProvider.System);
        Assert.That(root.Parse(["stage", "--port", "4053", "--hostname", "10.0.0.1"]).Errors, Is.Empty);
    }
}
