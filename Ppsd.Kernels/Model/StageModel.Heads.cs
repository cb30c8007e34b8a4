using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Model;

// The heads of a stage: drafts and verdicts from the rows of a step.
public sealed partial class StageModel
{
    /// <summary>
    /// Runs the exit heads; rows from <paramref name="firstRow"/> on can then be drafted from, a chain <paramref name="depth"/>
    /// steps ahead.
    /// </summary>
    public void RunExitHead(int firstRow, int depth = 1) => _drafts.Queue(firstRow, depth);

    /// <summary>
    /// Runs a chain head on given tokens instead of its own drafts, so that its logits can be compared with another
    /// implementation's; see <see cref="DraftLogits"/>.
    /// </summary>
    /// <param name="firstRow">First row to continue from.</param>
    /// <param name="depth">Steps, the row's own counted.</param>
    /// <param name="given">The tokens after each row, [rows, depth - 1].</param>
    public void RunChain(int firstRow, int depth, ReadOnlySpan<int> given) =>
        (_drafts.Chain ?? _drafts[0]).RunGiven(firstRow, depth, given);

    /// <summary>
    /// Goes on with a chain head behind a token that has not entered, from the features kept of the candidate before it. The
    /// token then is row 0 of a step of its own, from which <see cref="Draft"/> reads; the cache stays as it is. Step j of
    /// it is step j + 1 of the chain that drafted the token at that candidate.
    /// </summary>
    /// <param name="parent">Candidate before the token; the exit heads have run on its step.</param>
    /// <param name="depth">Steps, from 1.</param>
    /// <returns>False when nothing can be drafted: no chain head, an unknown parent, or no position left.</returns>
    public bool DraftBehind(long sequence, int parent, int token, int depth)
    {
        BeginStep();
        if (
            _drafts.Chain is not { } chain
            || !_sequences.TryGetValue(sequence, out var owner)
            || !owner.Cache.TryDescribe(parent, token, chain.SlotBehind, _batch)
        )
        {
            return false;
        }

        _rows[0] = new Row(owner, parent, token);
        _batch.Draws[0] = owner.Draw;
        _backend.BeginStep(_batch);
        chain.QueueBehind(depth);
        return true;
    }

    /// <summary>
    /// An exit head's best tokens after a row; see <see cref="TokenSampler.SampleBest"/>. None where its logits are
    /// not finite; the target still decides.
    /// </summary>
    /// <param name="drafts">Receives the tokens, the best first; its length is the number requested.</param>
    /// <param name="step">How far ahead: 0 for the row's successors, j for those behind the best tokens of steps 0 to j - 1.</param>
    /// <param name="head">Which of the stage's exit heads.</param>
    /// <returns>Number of tokens written.</returns>
    public int Draft(int row, Span<DraftToken> drafts, int step = 0, int head = 0) =>
        _drafts[head].Read(row, step, drafts, _rows[row].Sequence.Sampling.ChangesLogits);

    /// <summary>Runs the target head; rows from <paramref name="firstRow"/> on can then get verdicts.</summary>
    public void RunTargetHead(int firstRow)
    {
        _firstVerdictRow = firstRow;
        if (firstRow >= _batch.RowCount)
        {
            return;
        }

        _backend.Run(StepPart.TargetHead, firstRow, _runTargetHead);
        _weights.TargetHead!.Expect(_batch.RowCount - firstRow);
    }

    /// <summary>
    /// The target's token after a row; <see cref="TokenSampler.NoToken"/> when its logits are not finite, because
    /// nothing can be drawn from them.
    /// </summary>
    public int Verdict(int row)
    {
        Span<DraftToken> verdict = stackalloc DraftToken[1];
        var head = _weights.TargetHead!;
        var count = head.ReadDraws(row - _firstVerdictRow, verdict);
        if (count == 0)
        {
            count = DrawOnHost(TargetLogits(row), row, chained: [], verdict);
        }

        return count > 0 ? verdict[0].Token : TokenSampler.NoToken;
    }

    /// <summary>Recovers after a failed step, so that the next can run.</summary>
    /// <returns>False when the device cannot recover.</returns>
    public bool TryRecover() => _backend.TryRecover();

    /// <summary>The target's log-probability of a token after a row; see <see cref="LogProbabilities.Read"/>.</summary>
    public float LogProbability(int row, int token, Span<TokenLogProbability> top) =>
        _logProbabilities.Read(TargetLogits(row), token, top);

    /// <summary>The target's logits after a row, [vocabSize].</summary>
    public ReadOnlySpan<float> TargetLogits(int row) => _weights.TargetHead!.Logits(row - _firstVerdictRow);

    /// <summary>An exit head's logits after a row, or after a step of its chain, [vocabSize].</summary>
    public ReadOnlySpan<float> DraftLogits(int row, int step = 0, int head = 0) => _drafts[head].Logits(row, step);

    private int DrawOnHost(ReadOnlySpan<float> logits, int row, ReadOnlySpan<int> chained, Span<DraftToken> drafts)
    {
        var (sequence, candidate, behind) = _rows[row];
        var history = sequence.Sampling.UsesHistory
            ? sequence.Cache.HistoryOf(
                candidate,
                sequence.PromptLength,
                _tail,
                behind is { } token ? [token, .. chained] : chained
            )
            : default;
        return _sampler.SampleBest(
            logits,
            sequence.Sampling,
            _batch.Positions[row] + 1 + chained.Length,
            history,
            drafts
        );
    }
}
