using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>Micro-batches for tests of what a stage does with them.</summary>
internal static class TestBatches
{
    public static SessionId Session(int number) => SessionId.Create(new PipelineEpoch(1), number);

    /// <summary>A micro-batch of one session, numbered by its first candidate, with eight bytes a row.</summary>
    public static WorkItem Item(int session, int firstCandidate, bool isCertain = false, int run = 0, int count = 1) =>
        Item(firstCandidate, Part(session, firstCandidate, isCertain, run, count));

    /// <summary>A micro-batch of several parts.</summary>
    public static WorkItem Item(int number, params BatchPart[] parts)
    {
        var rows = parts.Sum(part => part.Count);
        return new WorkItem(
            new MicroBatch(new BatchNumber(number), parts),
            HiddenStates.Keep([.. Enumerable.Range(0, rows * 8).Select(i => (byte)(i / 8))])
        );
    }

    public static BatchPart Part(int session, int firstCandidate, bool isCertain = false, int run = 0, int count = 1) =>
        new()
        {
            Session = Session(session),
            Run = new RunId(run),
            Base = VerifiedPath.Empty,
            Candidates = [.. Enumerable.Range(firstCandidate, count).Select(id => new CandidateId(id))],
            Tokens = [.. Enumerable.Range(firstCandidate, count).Select(id => new TokenId(id % 5))],
            Parents = [.. Enumerable.Range(firstCandidate - 1, count).Select(id => new CandidateId(id))],
            CertainCount = isCertain ? count : 0,
            FirstHeadRow = 0,
        };
}
