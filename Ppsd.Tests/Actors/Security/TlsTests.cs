using Akka.Configuration;
using Microsoft.Extensions.AI;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Security;

/// <summary>Nodes that speak TLS let in whoever their authority has signed, and nobody else.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TlsTests
{
    private static readonly TimeSpan _refusal = TimeSpan.FromSeconds(3);

    [Test]
    public async Task A_cluster_over_TLS_serves_trusted_peers_and_refuses_others()
    {
        using var ours = new TestCertificates();
        using var theirs = new TestCertificates();
        var tls = TlsSettings.Hocon(ours.Folder, null, null, null);
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly, hocon: tls + "akka.loglevel = OFF");
        var first = cluster.AddStage();
        cluster.AddStage();
        var client = cluster.AddClient();
        await ToyCluster.FormedAsync(client);
        Assert.That(first.Address, Does.StartWith("akka.ssl.tcp://"));

        // A stranger with certificates of its own, one that shows none, and one that has ours: by HOST:PORT, as people write it.
        var hostAndPort = first.Address.Split('@')[1];
        await using var stranger = Stranger(TlsSettings.Hocon(theirs.Folder, null, null, null), hostAndPort);
        await using var plain = Stranger("", hostAndPort);
        using var app = new PpsdChatClient(
            new PpsdClientOptions { SeedNodes = [hostAndPort], TlsFolder = ours.Folder }
        );
        var answered = app.GetResponseAsync("12", new() { MaxOutputTokens = 30 });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await AnswersAsync(stranger), Is.False, "a peer of another authority was let in");
            Assert.That(await AnswersAsync(plain), Is.False, "a peer without TLS was let in");
            Assert.That(
                stranger.JoinTrouble,
                Does.StartWith($"{hostAndPort} shows a certificate that this node refuses: 'CN=node', ")
            );
            Assert.That(plain.JoinTrouble, Does.StartWith($"{hostAndPort} closed the connection"));
            Assert.That((await answered).Text, Is.EqualTo(Expected(cluster)));
            Assert.That(
                (await client.GetSnapshotAsync(_refusal, TimeProvider.System)).Members.Select(member => member.Address),
                Does.Not.Contain(stranger.Address).And.Not.Contain(plain.Address)
            );
        }
    }

    /// <summary>It trusts them, and they do not trust it: with TLS 1.3 it only learns of that afterwards.</summary>
    [Test]
    public async Task A_node_whose_certificate_is_refused_says_so()
    {
        using var ours = new TestCertificates();
        using var theirs = new TestCertificates();
        await using var cluster = new ToyCluster(
            1,
            ToyDrafters.Mostly,
            hocon: TlsSettings.Hocon(ours.Folder, null, null, null) + "akka.loglevel = OFF"
        );
        var seed = cluster.AddStage().Address.Split('@')[1];
        var mixed = TlsSettings.Hocon(theirs.Folder, null, null, Path.Combine(ours.Folder, "ca.crt"));
        await using var refused = Stranger(mixed, seed);

        Assert.That(await AnswersAsync(refused), Is.False);
        Assert.That(refused.JoinTrouble, Does.StartWith($"{seed} refused this node's certificate"));
    }

    [Test]
    public void Files_that_are_no_certificates_are_named()
    {
        using var certificates = new TestCertificates();
        File.WriteAllText(Path.Combine(certificates.Folder, "ca.crt"), "not a certificate");
        var hocon = TlsSettings.Hocon(certificates.Folder, null, null, null);

        Assert.That(
            () => Stranger(hocon, "127.0.0.1:1"),
            Throws.TypeOf<ConfigurationException>().With.Message.Contains("ca.crt: expected at least one certificate")
        );
        Assert.That(
            () => Stranger(TlsSettings.Hocon("/nowhere", null, null, null), "127.0.0.1:1"),
            Throws.TypeOf<ConfigurationException>().With.Message.Contains("/nowhere/tls.crt")
        );
    }

    private static ClusterNode Stranger(string hocon, string seed) =>
        ClusterNode.StartClient(PpsdConfig.Load(NodeRole.Client, overrides: $"akka.loglevel = OFF\n{hocon}"), [seed]);

    private static async Task<bool> AnswersAsync(ClusterNode node)
    {
        try
        {
            await node.GetPipelineAsync(_refusal);
            return true;
        }
        catch (Akka.Actor.AskTimeoutException)
        {
            return false;
        }
    }

    private static string Expected(ToyCluster cluster) =>
        ToyTextModel.TextOf(cluster.Model.Generate([new TokenId(1), new TokenId(2)], 30, SamplingSettings.Greedy));
}
