using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>
/// What a stage actor asks of the device behind it: layers, heads and a KV cache. The host adapts a stage model to it;
/// tests put a table in its place. All calls come from the stage's own thread.
/// </summary>
public interface IStageRuntime : IDisposable
{
    /// <summary>What the stage holds.</summary>
    StageDescription Description { get; }

    /// <summary>KV pages no session holds.</summary>
    int FreePages { get; }

    /// <summary>What the runtime has counted since it was loaded; zeros where it counts nothing.</summary>
    RuntimeFigures Figures => default;

    /// <summary>Opens a session and reserves its KV pages.</summary>
    /// <exception cref="StageCapacityException">Too few pages are free.</exception>
    void Open(SessionId session, SessionSettings settings);

    /// <summary>Commits a path and frees candidates that do not descend from it.</summary>
    /// <returns>False when the cache does not hold that path.</returns>
    bool Commit(SessionId session, VerifiedPath path);

    /// <summary>Commits a path and forgets everything after it.</summary>
    /// <returns>False when the cache does not hold that path.</returns>
    bool Rollback(SessionId session, VerifiedPath path);

    /// <summary>Closes a session and frees its pages; unknown sessions are ignored.</summary>
    void Release(SessionId session);

    /// <summary>Starts a step and appends a micro-batch's candidates to the cache as its rows.</summary>
    /// <returns>False when a parent is not in the cache: an earlier message was lost.</returns>
    bool TryAppend(MicroBatch batch);

    /// <summary>Runs the step's rows through the layers.</summary>
    /// <param name="hidden">Hidden states from the stage before, fp32 [rows, hiddenSize]; empty at the first stage.</param>
    /// <param name="isCancelled">Asked between layers.</param>
    /// <returns>False when cancelled; the rows then hold nothing and their run is rolled back later.</returns>
    bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled);

    /// <summary>Hidden states of the step's rows, in memory the receiver may keep.</summary>
    ReadOnlyMemory<byte> ReadHidden();

    /// <summary>Runs the exit head on the step's rows and drafts successors of those from <paramref name="firstRow"/> on.</summary>
    /// <param name="firstRow">First row to draft from; the rows before it only enter the head's own cache.</param>
    /// <param name="width">Most drafts per row.</param>
    /// <returns>Drafts, best first for each row.</returns>
    DraftedToken[] Draft(int firstRow, int width);

    /// <summary>The target's tokens after the rows from <paramref name="firstRow"/> on.</summary>
    TokenId[] Verify(int firstRow);

    /// <summary>
    /// What the target itself thinks of its token after a row: log-softmax of the raw logits, before penalties,
    /// temperature and filters. Call after <see cref="Verify"/>.
    /// </summary>
    /// <param name="row">A row that got a verdict.</param>
    /// <param name="token">The verdict.</param>
    /// <param name="topCount">How many of the most probable tokens to name; fewer when the vocabulary is smaller.</param>
    TokenLogprobs Logprobs(int row, TokenId token, int topCount);
}
