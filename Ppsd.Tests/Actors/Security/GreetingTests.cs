using Akka.Configuration;
using Ppsd.Actors.Remoting;

namespace Ppsd.Tests.Actors.Security;

/// <summary>Two nodes that meet: who gets in, and what the other is told.</summary>
public sealed class GreetingTests
{
    private static readonly ClusterSecret _ours = Secret("ours");

    [Test]
    public void Two_that_have_the_same_secret_let_each_other_in()
    {
        var (client, server) = Met(_ours, Secret("ours"));
        var proof = client.Prove();
        Assert.That(server.IsProof(proof), Is.True);
        Assert.That(() => client.TakeAnswer(server.Answer(isRight: true)), Throws.Nothing);
    }

    [Test]
    public void A_proof_is_good_for_one_connection_and_one_side()
    {
        var (client, server) = Met(_ours, _ours);
        var (laterClient, later) = Met(_ours, _ours);
        var proof = client.Prove();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(later.IsProof(proof), Is.False, "a proof could be used again");
            Assert.That(client.IsProof(proof), Is.False, "a proof could be sent back to whom it came from");
            Assert.That(laterClient.IsProof(server.Prove()), Is.False);
            Assert.That(Enumerable.Range(0, proof.Length).All(i => !server.IsProof(Flipped(proof, i))), Is.True);
        }
    }

    [Test]
    public void A_server_that_only_claims_to_have_the_secret_is_found_out()
    {
        var (client, server) = Met(_ours, Secret("theirs"));
        Assert.That(server.IsProof(client.Prove()), Is.False);
        Assert.That(
            () => client.TakeAnswer(server.Answer(isRight: true)),
            Throws.TypeOf<GreetingException>().With.Message.Contains("has another cluster secret")
        );
        Assert.That(() => client.TakeAnswer(server.Answer(isRight: false)), Throws.TypeOf<GreetingException>());
    }

    [Test]
    public void Releases_whose_messages_differ_name_both_versions()
    {
        var newer = Greeting.OfServer(null, wireVersion: Greeting.WireVersion + 1);
        Assert.That(
            () => Greeting.OfClient(null).Meet(newer.Hello.Span),
            Throws
                .TypeOf<GreetingException>()
                .With.Message.EqualTo(
                    $"speaks version 1.{Greeting.WireVersion + 1} of the protocol between nodes, this node 1.{Greeting.WireVersion}: "
                        + "run the same release of ppsd on both"
                )
        );
    }

    [Test]
    public void What_is_no_hello_is_told_apart()
    {
        Assert.That(
            () => Greeting.OfClient(null).Meet(new byte[Greeting.HelloBytes]),
            Throws.TypeOf<GreetingException>().With.Message.EqualTo("is not a ppsd node")
        );
        Assert.That(Greeting.OfClient(null).Meet(Greeting.OfServer(null).Hello.Span), Is.False, "no secret, no proofs");
    }

    private static (Greeting Client, Greeting Server) Met(ClusterSecret ofClient, ClusterSecret ofServer)
    {
        var client = Greeting.OfClient(ofClient);
        var server = Greeting.OfServer(ofServer);
        Assert.That(server.Meet(client.Hello.Span) && client.Meet(server.Hello.Span), Is.True);
        return (client, server);
    }

    private static byte[] Flipped(byte[] proof, int at)
    {
        var copy = (byte[])proof.Clone();
        copy[at] ^= 1;
        return copy;
    }

    private static ClusterSecret Secret(string text) =>
        ClusterSecret.Of(ConfigurationFactory.ParseString(ClusterSecret.Hocon(text)))!;
}
