using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Client;

/// <summary>A client app on a cluster over real sockets: answers, cancels, slow readers, a coordinator that moves.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class PpsdChatClientTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_response_has_its_text_and_everything_the_contract_names()
    {
        await using var cluster = await FormedAsync();
        using var client = cluster.AddChatClient();
        var options = new ChatOptions
        {
            MaxOutputTokens = 40,
            ModelId = "toy",
            AdditionalProperties = new() { ["min_p"] = 0.0 },
        };

        var response = await client.GetResponseAsync("123", options);

        var usage = response.Usage!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.Text, Is.EqualTo(Expected(cluster, [1, 2, 3], 40)));
            Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.Length));
            Assert.That(response.ModelId, Is.EqualTo("toy"));
            Assert.That(response.ResponseId, Is.Not.Empty);
            Assert.That(response.Messages.Single().MessageId, Is.Not.Empty);
            Assert.That(response.Messages.Single().Role, Is.EqualTo(ChatRole.Assistant));
            Assert.That(response.CreatedAt, Is.Not.Null);
            Assert.That(
                (usage.InputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount),
                Is.EqualTo((3L, 40L, 43L))
            );
            Assert.That(usage.AdditionalCounts!["verified_drafts"], Is.GreaterThan(0));
            Assert.That(usage.AdditionalCounts, Does.ContainKey("accepted_drafts").And.ContainKey("rollbacks"));
            Assert.That(response.RawRepresentation, Is.TypeOf<TextEnded>());
            Assert.That(options.AdditionalProperties, Has.Count.EqualTo(1), "the caller's options were changed");
            Assert.That(client.GetService(typeof(ChatClientMetadata)), Has.Property("ProviderName").EqualTo("ppsd"));
        }
    }

    [Test]
    public async Task A_response_has_the_seed_it_was_drawn_with_and_two_without_one_differ_in_it()
    {
        await using var cluster = await FormedAsync();
        using var client = cluster.AddChatClient();

        var first = await client.GetResponseAsync("1", Limit(3));
        var second = await client.GetResponseAsync("1", Limit(3));
        var given = await client.GetResponseAsync("1", new ChatOptions { MaxOutputTokens = 3, Seed = 11 });

        Assert.That(Seed(first), Is.Not.EqualTo(Seed(second)));
        Assert.That(Seed(given), Is.EqualTo(11));

        static long Seed(ChatResponse response) => (long)response.AdditionalProperties![PpsdChatClient.SeedKey]!;
    }

    [Test]
    public async Task Responses_at_once_are_each_the_text_of_their_own_prompt()
    {
        await using var cluster = await FormedAsync();
        using var client = cluster.AddChatClient();

        var responses = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(i => client.GetResponseAsync($"{i % 6}", Limit(50)))
        );

        Assert.That(
            responses.Select(response => response.Text),
            Is.EqualTo(Enumerable.Range(0, 12).Select(i => Expected(cluster, [i % 6], 50)))
        );
    }

    [Test]
    public async Task A_cancelled_response_frees_its_pages_and_leaving_the_loop_does_too()
    {
        await using var cluster = await FormedAsync();
        using var client = cluster.AddChatClient();
        using var cancel = new CancellationTokenSource();

        var reading = Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.GetStreamingResponseAsync("1", Limit(600), cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
        await reading;
        await foreach (var _ in client.GetStreamingResponseAsync("1", Limit(600)))
        {
            break;
        }

        await cluster.AssertNothingHeldAsync();
        Assert.That((await client.GetResponseAsync("2", Limit(9))).Text, Is.EqualTo(Expected(cluster, [2], 9)));
    }

    [Test]
    public async Task A_reader_that_pauses_holds_up_nobody_and_loses_nothing()
    {
        await using var cluster = await FormedAsync();
        using var client = cluster.AddChatClient();

        await using var slow = client.GetStreamingResponseAsync("1", Limit(400)).GetAsyncEnumerator();
        Assert.That(await slow.MoveNextAsync(), Is.True);
        var text = slow.Current.Text;
        for (var i = 0; i < 5; i++)
        {
            var other = await client.GetResponseAsync($"{i}", Limit(60)).WaitAsync(_patience);
            Assert.That(other.Text, Is.EqualTo(Expected(cluster, [i], 60)));
        }

        // The pipeline is long done with the slow reader's session: its pages serve others.
        await cluster.AssertNothingHeldAsync();
        while (await slow.MoveNextAsync())
        {
            text += slow.Current.Text;
        }

        Assert.That(text, Is.EqualTo(Expected(cluster, [1], 400)));
    }

    [Test]
    public async Task Requests_survive_a_coordinator_that_moves()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        var first = cluster.AddStage(wantedStage: 9);
        cluster.AddStage();
        cluster.AddStage();
        var watcher = cluster.AddClient();
        await ToyCluster.FormedAsync(watcher);
        using var client = cluster.AddChatClient();
        await client.GetResponseAsync("1", Limit(1));
        Assert.That((await CoordinatorAsync()).Address, Is.EqualTo(first.Address), "the oldest node hosts it");

        var during = client.GetResponseAsync("1", Limit(600));
        var leaving = cluster.RemoveAsync(first);
        while (!leaving.IsCompleted)
        {
            var response = await client.GetResponseAsync("2", Limit(10)).WaitAsync(_patience);
            Assert.That(response.Text, Is.EqualTo(Expected(cluster, [2], 10)));
        }

        await leaving;
        var after = await client.GetResponseAsync("3", Limit(30)).WaitAsync(_patience);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.Text, Is.EqualTo(Expected(cluster, [3], 30)));
            Assert.That((await during).Text, Is.EqualTo(Expected(cluster, [1], 600)));
            Assert.That((await CoordinatorAsync()).Address, Is.Not.EqualTo(first.Address));
        }

        async Task<Ppsd.Actors.Snapshots.MemberSnapshot> CoordinatorAsync()
        {
            await ToyCluster.FormedAsync(watcher);
            var snapshot = await watcher.GetSnapshotAsync(_patience, TimeProvider.System);
            return snapshot.Members.Single(member => member.IsCoordinator);
        }
    }

    [Test]
    public async Task A_client_leaves_politely()
    {
        await using var cluster = await FormedAsync();
        var watcher = cluster.AddClient();
        var node = cluster.AddClient();
        await ToyCluster.FormedAsync(node);

        await cluster.RemoveAsync(node);

        for (var attempt = 0; ; attempt++)
        {
            var members = (await watcher.GetSnapshotAsync(_patience, TimeProvider.System)).Members;
            var left = members.FirstOrDefault(member => member.Address == node.Address);
            Assert.That(left?.Status, Is.Not.EqualTo("Down"), "others had to find out by themselves");
            if (left is null)
            {
                break;
            }

            Assert.That(attempt, Is.LessThan(200), "the client is still a member");
            await Task.Delay(50);
        }
    }

    [Test]
    public async Task A_cluster_that_serves_no_texts_is_said_to()
    {
        await using var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        using var client = new PpsdChatClient(
            () => cluster.AddClient(),
            TimeSpan.FromMilliseconds(300),
            TimeProvider.System
        );

        var refused = Assert.CatchAsync<GenerationException>(() => client.GetResponseAsync("1"));
        Assert.That((await refused)!.Message, Does.Contain("no node of the cluster serves texts"));
    }

    [Test]
    public async Task A_container_makes_one_client()
    {
        await using var cluster = await FormedAsync();
        var services = new ServiceCollection().AddPpsdChatClient(cluster.Nodes[0].Address);
        using var provider = services.BuildServiceProvider();

        var client = provider.GetRequiredService<IChatClient>();
        var response = await client.GetResponseAsync("4", Limit(12));

        Assert.That(client, Is.SameAs(provider.GetRequiredService<PpsdChatClient>()));
        Assert.That(response.Text, Is.EqualTo(Expected(cluster, [4], 12)));
    }

    private static ChatOptions Limit(int tokens) => new() { MaxOutputTokens = tokens };

    private static string Expected(ToyCluster cluster, int[] prompt, int count) =>
        ToyTextModel.TextOf(
            cluster.Model.Generate([.. prompt.Select(token => new TokenId(token))], count, SamplingSettings.Greedy)
        );

    private static async Task<ToyCluster> FormedAsync()
    {
        var cluster = new ToyCluster(2, ToyDrafters.Mostly);
        cluster.AddStage();
        var node = cluster.AddStage();
        await ToyCluster.FormedAsync(node);
        return cluster;
    }
}
