using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>
/// The port through which a stage actor uses its device: layers, heads and a KV cache. The host adapts a stage model to
/// it; tests put a table in its place. All calls come from the stage's own thread.
/// </summary>
public interface IStageRuntime : IDisposable
{
    /// <summary>Layers, heads and limits of the stage.</summary>
    StageDescription Description { get; }

    /// <summary>True when a device does the work on its own and the stage's thread only waits for it.</summary>
    bool RunsOnDevice => false;

    /// <summary>KV pages no session holds.</summary>
    int FreePages { get; }

    /// <summary>The runtime's counters since it was loaded; zero where it does not count.</summary>
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

    /// <summary>Number of committed tokens of an open session that its path has in common with the start of a text.</summary>
    int CountHeld(SessionId session, ReadOnlySpan<TokenId> text) => 0;

    /// <summary>
    /// Opens a session with the first committed tokens of another one, as candidates 0 to <paramref name="length"/> - 1, and
    /// closes the other one. Its keys and values stay where they are, and so do those of exit heads.
    /// </summary>
    /// <param name="earlier">The other session.</param>
    /// <param name="length">Tokens, at least one.</param>
    /// <returns>False when the other session does not hold so many; nothing has changed then.</returns>
    /// <exception cref="StageCapacityException">It would have to grow, and too few pages are free; nothing has changed.</exception>
    bool TryAdopt(SessionId earlier, SessionId session, int length, SessionSettings settings) => false;

    /// <summary>
    /// After an operation threw: drops what the failed step has left behind. The sessions in it are lost.
    /// </summary>
    /// <returns>False when the device is broken for good, and the stage with it.</returns>
    bool TryRecover() => true;

    /// <summary>Starts a step with no rows.</summary>
    void BeginStep();

    /// <summary>Appends one session's candidates to its cache and to the step as its next rows.</summary>
    /// <returns>
    /// False when a parent is not in the cache: an earlier message was lost. The step then has none of the part's rows; the
    /// cache may hold some of its candidates, without values, until the session's next run.
    /// </returns>
    /// <exception cref="StageCapacityException">The session's pages are full; the step has none of the part's rows.</exception>
    bool TryAppend(BatchPart part);

    /// <summary>Runs the step's rows through the layers.</summary>
    /// <param name="hidden">Hidden states from the stage before, fp32 [rows, hiddenSize]; empty at the first stage.</param>
    /// <param name="isCancelled">Asked between layers.</param>
    /// <param name="drafts">
    /// What <see cref="RunExitHead"/> will be called with, so that a device can have that work queued before it is waited
    /// for; null for none. A hint.
    /// </param>
    /// <param name="onQueued">
    /// Called once, when the device has work enough to be left alone for a while: after the step is queued and before it is
    /// waited for, or before it begins where the processor does it.
    /// </param>
    /// <returns>False when cancelled; the rows then hold nothing and their runs are rolled back later.</returns>
    bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued = null);

    /// <summary>Copies the hidden states of the step's rows, fp32 [rows, hiddenSize].</summary>
    void ReadHidden(Span<byte> target);

    /// <summary>
    /// Runs the exit head on the step's rows; those from <see cref="DraftRequest.FirstRow"/> on can then be drafted from. A
    /// chain goes on from each of them for <see cref="DraftRequest.Depth"/> steps, each step behind its own best token of
    /// the step before.
    /// </summary>
    void RunExitHead(DraftRequest request);

    /// <summary>
    /// The tokens drafted from a row: for each step the exit head ran, its best tokens, drawn with the session's settings
    /// and the noise of their position. Step 0 follows the row; step j follows the best tokens of steps 0 to j - 1.
    /// </summary>
    /// <param name="row">A row the exit head gave logits for.</param>
    /// <param name="origin">The row's candidate.</param>
    /// <param name="width">Most tokens of a step.</param>
    /// <param name="drafts">Receives them: steps in order, the best of each step first.</param>
    void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts);

    /// <summary>
    /// Goes on with a chain behind a token that has not entered, from what the exit head kept of the candidate before it. A
    /// step of its own: no other may be under way. The cache stays as it is.
    /// </summary>
    /// <param name="session">The session; one that drafts with the exit head.</param>
    /// <param name="parent">The candidate before the token, which has a verdict.</param>
    /// <param name="token">The target's token after it.</param>
    /// <param name="depth">Steps, from 1 to <see cref="StageDescription.DraftDepth"/>.</param>
    /// <param name="width">Most tokens of a step.</param>
    /// <param name="drafts">
    /// Receives them as drafts of <paramref name="parent"/>, from step 1 on: the token itself is step 0. None where the
    /// stage has no chain, or the cache does not hold the candidate.
    /// </param>
    void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    );

    /// <summary>
    /// The target's tokens after the rows from <paramref name="firstRow"/> on; <see cref="TokenId.None"/> for a row whose logits
    /// are not finite.
    /// </summary>
    TokenId[] Verify(int firstRow);

    /// <summary>
    /// The target's log-probability of its own token after a row: log-softmax of the raw logits, before penalties,
    /// temperature and filters. Call after <see cref="Verify"/>.
    /// </summary>
    /// <param name="row">A row that got a verdict.</param>
    /// <param name="topCount">
    /// Number of the most probable tokens to return; fewer when the vocabulary is smaller.
    /// </param>
    TokenLogprobs Logprobs(int row, TokenId token, int topCount);
}
