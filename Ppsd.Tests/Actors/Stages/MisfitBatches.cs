using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>Micro-batches that are well formed on the wire and fit no stage of <see cref="ToyRuntime"/>, by what is wrong.</summary>
internal static class MisfitBatches
{
    public static IEnumerable<(string Complaint, Forward Forward)> All
    {
        get
        {
            var part = TestBatches.Part(1, 5, count: 2);
            yield return (
                "hidden states: expected 16 bytes (2 rows of 2 fp32 values), found 24",
                Of(part) with
                {
                    Hidden = HiddenStates.Keep(new byte[24]),
                }
            );
            yield return (
                "hidden states: expected 16 bytes (2 rows of 2 fp32 values), found 8",
                Of(part) with
                {
                    Hidden = HiddenStates.Keep(new byte[8]),
                }
            );
            yield return ("rows: expected at most 16, found 17", Of(TestBatches.Part(1, 5, count: 17)));
            yield return (
                "rows whose successors are wanted: expected at most 8, found 9",
                Of(TestBatches.Part(1, 5, count: 9))
            );
            yield return ("session 1.1 has two parts", Of(part, TestBatches.Part(1, 9)));
            yield return (
                "token: expected 0 to 5, found 6",
                Of(part with { Tokens = [new TokenId(1), new TokenId(6)] })
            );
            yield return (
                "token: expected 0 to 5, found -1",
                Of(part with { Tokens = [new TokenId(-1), new TokenId(1)] })
            );
            yield return (
                "candidates: expected ids that count up, found 6 at place 2",
                Of(part with { Candidates = [new CandidateId(6), new CandidateId(6)] })
            );
            yield return (
                "candidate 6: expected a parent before it, found 6",
                Of(part with { Parents = [new CandidateId(4), new CandidateId(6)] })
            );
            yield return (
                "verified tokens: expected 0 to 10000, found -1",
                Of(part with { Base = new VerifiedPath(new CandidateId(4), -1) })
            );
            yield return (
                "tokens to reserve: expected 1 to 4000, found 2147483647",
                With(Settings with { ReservedLength = int.MaxValue })
            );
            yield return ("prompt tokens: expected 1 to 50, found 51", With(Settings with { PromptLength = 51 }));
            yield return ("max width: expected 1 to 8, found 9", With(Settings with { MaxWidth = 9 }));
            yield return (
                "top logprobs: expected 0 to 20, found 2147483647",
                With(Settings with { TopLogprobs = int.MaxValue })
            );
            yield return (
                "temperature: expected 0 to 100, found NaN",
                With(Settings with { Sampling = new SamplingSettings { Temperature = float.NaN } })
            );

            Forward With(SessionSettings settings) => Of(part with { Settings = settings });
        }
    }

    public static SessionSettings Settings { get; } =
        new()
        {
            Drafts = DraftSources.ExitHead,
            Sampling = SamplingSettings.Greedy,
            MaxWidth = 1,
            ReservedLength = 50,
            PromptLength = 3,
        };

    public static Forward Of(params BatchPart[] parts)
    {
        var item = TestBatches.Item(1, parts);
        return new Forward(item.Batch, item.Hidden);
    }
}
