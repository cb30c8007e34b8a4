using System.Text.Json;

namespace Ppsd.Tests.Host.Api.Texts;

/// <summary>Drafts over HTTP. Not beside other tests: a pipeline that many sessions share drafts little or not at all.</summary>
[NonParallelizable]
public sealed class DraftStreamTests
{
    [Test]
    public async Task Drafts_in_flight_are_streamed_when_asked_for_and_metrics_come_at_the_end()
    {
        var events = await SharedServer.Http.StreamAsync(
            "/v1/completions",
            $"{{\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\",\"max_tokens\":40,\"stream\":true,\"drafts\":true,\"per_request_metrics\":true}}"
        );
        var chunks = events.SkipLast(1).Select(json => JsonDocument.Parse(json).RootElement).ToList();
        var drafts = chunks.Where(chunk => chunk.TryGetProperty("drafts", out _)).ToList();
        var metrics = chunks[^1].GetProperty("metrics");
        var speculation = metrics.GetProperty("speculative_decoding");
        int[] histogram =
        [
            .. speculation.GetProperty("acceptance_histogram").EnumerateArray().Select(runs => runs.GetInt32()),
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(drafts.Exists(chunk => chunk.GetProperty("drafts").GetArrayLength() > 1), Is.True);
            Assert.That(metrics.GetProperty("time_to_first_token_ms").GetDouble(), Is.Positive);
            Assert.That(metrics.GetProperty("tokens_per_second").GetDouble(), Is.Positive);
            Assert.That(
                speculation.GetProperty("num_accepted_draft_tokens").GetInt32(),
                Is.InRange(1, speculation.GetProperty("num_draft_tokens").GetInt32())
            );
            Assert.That(
                speculation
                    .GetProperty("sources")
                    .EnumerateArray()
                    .Sum(source => source.GetProperty("num_accepted_draft_tokens").GetInt32()),
                Is.EqualTo(speculation.GetProperty("num_accepted_draft_tokens").GetInt32())
            );
            Assert.That(speculation.GetProperty("rows_per_cycle").GetDouble(), Is.GreaterThanOrEqualTo(1));
            Assert.That(
                speculation.GetProperty("accepted_per_cycle").GetDouble(),
                Is.InRange(0.01, speculation.GetProperty("rows_per_cycle").GetDouble())
            );
            Assert.That(speculation.GetProperty("draft_acceptance_rate").GetDouble(), Is.InRange(0, 1));
            Assert.That(speculation.GetProperty("num_spec_steps").GetInt32(), Is.EqualTo(histogram.Sum()));
            Assert.That(
                speculation.GetProperty("num_accepted_draft_tokens").GetInt32(),
                Is.EqualTo(histogram.Select((runs, accepted) => runs * accepted).Sum())
            );
        }
    }

    [Test]
    public async Task Other_drafts_for_a_place_come_beside_the_likeliest()
    {
        var events = await SharedServer.Http.StreamAsync(
            "/v1/completions",
            $"{{\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\",\"max_tokens\":40,\"stream\":true,\"drafts\":true,\"max_width\":4}}"
        );
        var branches = events
            .SkipLast(1)
            .Select(json => JsonDocument.Parse(json).RootElement)
            .Where(chunk => chunk.TryGetProperty("other_drafts", out _))
            .Select(chunk => (Drafts: chunk.GetProperty("drafts"), Others: chunk.GetProperty("other_drafts")))
            .ToList();

        Assert.That(branches, Is.Not.Empty);
        using (Assert.EnterMultipleScope())
        {
            foreach (var (drafts, others) in branches)
            {
                Assert.That(others.GetArrayLength(), Is.EqualTo(drafts.GetArrayLength()));
                Assert.That(others.EnumerateArray().Sum(place => place.GetArrayLength()), Is.Positive);
            }
        }
    }

    [Test]
    public async Task The_cluster_counts_cycles_rows_and_drafts_by_source_and_step()
    {
        var before = await SessionsAsync();
        await SharedServer.Http.PostAsync(
            "/v1/completions",
            "{\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\",\"max_tokens\":40}"
        );
        var after = await SessionsAsync();
        for (var patience = 0; after.Ended == before.Ended && patience < 2000; patience++)
        {
            // The server looks at its pipeline once a second.
            await Task.Delay(10);
            after = await SessionsAsync();
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(after.Cycles - before.Cycles, Is.Positive);
            Assert.That(after.Rows - before.Rows, Is.GreaterThanOrEqualTo(after.Cycles - before.Cycles));
            Assert.That(after.HeadVerified - before.HeadVerified, Is.Positive);
            Assert.That(
                after.HeadAccepted - before.HeadAccepted,
                Is.InRange(1, after.HeadVerified - before.HeadVerified)
            );
        }

        static async Task<(long Ended, long Cycles, long Rows, long HeadVerified, long HeadAccepted)> SessionsAsync()
        {
            var cluster = (await SharedServer.Http.ReadAsync("/cluster")).Body;
            var sessions = cluster.GetProperty("pipeline").GetProperty("sessions");
            var head = sessions
                .GetProperty("sources")
                .EnumerateArray()
                .Where(source => source.GetProperty("source").GetString() == "exit_head")
                .ToList();
            return (
                sessions.GetProperty("ended").GetInt64(),
                sessions.GetProperty("cycles").GetInt64(),
                sessions.GetProperty("rows").GetInt64(),
                head.Sum(source => source.GetProperty("verified_drafts").GetInt64()),
                head.Sum(source => source.GetProperty("accepted_drafts").GetInt64())
            );
        }
    }

    [Test]
    public async Task A_request_chooses_what_drafts_for_it()
    {
        const string prompt = "\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\",\"max_tokens\":40";
        var expected = Text(await CompleteAsync("\"speculation\":false"));
        var ngrams = await CompleteAsync("\"draft_sources\":\"ngram\",\"max_width\":8");
        var refused = await SharedServer.Http.PostAsync("/v1/completions", $"{{{prompt},\"draft_sources\":\"guess\"}}");
        var tooDeep = await SharedServer.Http.PostAsync("/v1/completions", $"{{{prompt},\"chain_depth\":2}}");

        Assert.That(Text(ngrams), Is.EqualTo(expected));
        Assert.That(
            ngrams
                .GetProperty("metrics")
                .GetProperty("speculative_decoding")
                .GetProperty("sources")
                .EnumerateArray()
                .Select(source => source.GetProperty("source").GetString()),
            Has.None.EqualTo("exit_head")
        );
        Assert.That(
            HttpAnswers.AssertError(refused, 400).GetProperty("message").GetString(),
            Does.Contain("draft_sources: expected auto, none, or exit")
        );
        Assert.That(
            HttpAnswers.AssertError(tooDeep, 400).GetProperty("message").GetString(),
            Does.Contain("chain_depth: expected 1, because the exit head is no chain")
        );

        async Task<JsonElement> CompleteAsync(string fields)
        {
            var answer = await SharedServer.Http.PostAsync(
                "/v1/completions",
                $"{{{prompt},\"per_request_metrics\":true,{fields}}}"
            );
            return answer.Body;
        }

        static string? Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("text").GetString();
    }
}
