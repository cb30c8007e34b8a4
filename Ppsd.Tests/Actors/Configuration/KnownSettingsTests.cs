using Akka.Configuration;
using Ppsd.Actors.Configuration;

namespace Ppsd.Tests.Actors.Configuration;

/// <summary>A misspelt key is refused, not ignored.</summary>
public sealed class KnownSettingsTests
{
    [TestCase(
        "ppsd.pipeline.credit-windw = 2",
        "ppsd.pipeline.credit-windw: no setting has this name; the nearest is ppsd.pipeline.credit-window"
    )]
    [TestCase(
        "ppsd { pipelines { stall-timeout = 1s } }",
        "ppsd.pipelines.stall-timeout: no setting has this name; the nearest is ppsd.pipeline.stall-timeout"
    )]
    [TestCase(
        "ppsd.cluster.drain-timeout.seconds = 3",
        "ppsd.cluster.drain-timeout.seconds: no setting has this name; the nearest is ppsd.cluster.drain-timeout"
    )]
    public void A_setting_that_nothing_reads_is_refused_with_the_nearest_known_one(string hocon, string expected) =>
        Assert.That(
            () => PpsdConfig.Load(NodeRole.Local, overrides: hocon),
            Throws.TypeOf<ConfigurationException>().With.Message.EqualTo($"settings: {expected}")
        );

    [Test]
    public void A_users_file_is_named_in_the_refusal()
    {
        using var folder = new Kernels.Checkpoints.TemporaryFolder();
        var file = folder.Write("my.conf", "ppsd.text.max-text = 3");

        Assert.That(
            () => PpsdConfig.Load(NodeRole.Stage, file),
            Throws
                .TypeOf<ConfigurationException>()
                .With.Message.EqualTo(
                    $"{file}: ppsd.text.max-text: no setting has this name; the nearest is ppsd.text.max-texts"
                )
        );
    }

    /// <summary>One file may serve every role, and dispatchers have keys of Akka's own.</summary>
    [Test]
    public void Settings_of_any_role_and_of_akka_are_known(
        [Values(NodeRole.Local, NodeRole.Stage, NodeRole.Client, NodeRole.Coordinator)] NodeRole role
    )
    {
        var config = PpsdConfig.Load(
            role,
            overrides: "ppsd.stage-dispatcher.throughput = 5\nppsd.cluster.drain-timeout = 1s\nmy.own = 1\nakka.loglevel = OFF"
        );

        Assert.That(config.GetInt("ppsd.stage-dispatcher.throughput"), Is.EqualTo(5));
    }
}
