using Ppsd.Host;
using Ppsd.Host.Commands;

namespace Ppsd.Tests.Host.Commands;

public sealed class EnvironmentTwinsTests
{
    [Test]
    public void An_option_from_the_environment_goes_before_two_dashes_and_the_command_line_wins()
    {
        var line = Expand(
            ["generate", "--seed", "1", "--", "--a prompt"],
            ("PPSD_MAX_TOKENS", "5"),
            ("PPSD_SEED", "2"),
            ("PPSD_JSON", "true"),
            ("PPSD_SHOW_DRAFTS", "0"),
            ("PPSD_STOP", "")
        );

        Assert.That(
            line.Arguments,
            Is.EqualTo(new[] { "generate", "--seed", "1", "--max-tokens=5", "--json", "--", "--a prompt" })
        );
    }

    [Test]
    public void A_complaint_names_the_variable_and_not_the_option_that_nobody_wrote()
    {
        var line = Expand(["generate", "--join", "a:1", "x"], ("PPSD_PROCESSES", "2"));

        Assert.That(
            line.Blame("expected --processes or --join, found both"),
            Is.EqualTo("expected PPSD_PROCESSES or --join, found both")
        );
        Assert.That(line.Blame("--processes-of-mine: x"), Is.EqualTo("--processes-of-mine: x"));
    }

    [Test]
    public void A_switch_that_is_neither_on_nor_off_is_refused_by_its_variable() =>
        Assert.That(
            () => Expand(["generate", "x"], ("PPSD_JSON", "yes")),
            Throws
                .TypeOf<UserErrorException>()
                .With.Message.EqualTo("PPSD_JSON: expected 1, true, 0 or false, found 'yes'")
        );

    [Test]
    public void A_variable_of_the_program_s_own_options_is_somebody_else_s() =>
        Assert.That(Expand([], ("PPSD_VERSION", "1"), ("PPSD_HELP", "1")).Arguments, Is.Empty);

    private static ExpandedLine Expand(string[] arguments, params (string Name, string Value)[] environment) =>
        EnvironmentTwins.Expand(
            CommandLine.CreateRoot(TimeProvider.System),
            arguments,
            name => environment.FirstOrDefault(pair => pair.Name == name).Value
        );
}
