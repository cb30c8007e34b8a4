using Ppsd.Host;
using Ppsd.Host.Pipelines;

namespace Ppsd.Tests.Host.Pipelines;

public sealed class SeedAddressTests
{
    [TestCase("127.0.0.1:4053", "akka.tcp://ppsd@127.0.0.1:4053")]
    [TestCase("stage-1:4053", "akka.tcp://ppsd@stage-1:4053")]
    [TestCase("akka.ssl.tcp://ppsd@host:1", "akka.tcp://ppsd@host:1")]
    public void A_host_and_port_is_enough(string text, string expected) =>
        Assert.That(SeedAddress.Parse(text), Is.EqualTo(expected));

    [TestCase("somewhere")]
    [TestCase("somewhere:")]
    [TestCase("")]
    [TestCase("a b:3")]
    [TestCase("host:99999")]
    public void Anything_else_is_refused(string text) =>
        Assert.That(
            () => SeedAddress.Parse(text),
            Throws.TypeOf<UserErrorException>().With.Message.Contains("expected HOST:PORT")
        );
}
