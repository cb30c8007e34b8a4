using System.Runtime.InteropServices;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation.Blocks;

namespace Ppsd.Actors.Rivals;

/// <summary>
/// Self-speculation by skipped sublayers, as KNN-SSD does it (2505.16162): the model without some attention and feed-forward
/// blocks drafts with its own target head; the whole model verifies. The drafting pass attends to the text's own keys and
/// values and writes its drafts' into slots that are given back before the verifying pass, which computes all rows anew.
/// </summary>
/// <param name="choose">
/// Chooses the sublayers to skip, once a text, from the mean over the prompt's tokens of the last hidden state, each divided
/// by its root mean square; what <see cref="ISkippingRuntime.Skip"/> takes.
/// </param>
/// <param name="most">Most drafts of a block.</param>
/// <param name="threshold">Probability below which a draft is the last of its block.</param>
internal sealed class SkippingDrafter(Func<float[], IReadOnlyList<bool>> choose, int most = 12, double threshold = 0.8)
    : IBlockDrafter
{
    private ConfidentLength _policy = new(most, threshold);
    private IReadOnlyList<bool> _skipped = [];
    private double[] _sum = [];
    private int _tokens;

    /// <inheritdoc />
    public int MostDrafts => most;

    /// <inheritdoc />
    public bool ReadsLastHidden => true;

    /// <summary>Mean over the last prompt's tokens of the last hidden state, each divided by its root mean square.</summary>
    public float[] Feature => [.. _sum.Select(value => (float)(value / _tokens))];

    /// <inheritdoc />
    public void Begin(StartSession request)
    {
        _policy = new ConfidentLength(most, threshold);
        (_sum, _tokens) = ([], 0);
    }

    /// <inheritdoc />
    public void SeePrompt(BlockSession session, int rows)
    {
        var hidden = MemoryMarshal.Cast<byte, float>(session.HiddenBehind(session.StageCount - 1, 0, rows).Span);
        var size = hidden.Length / rows;
        _sum = _sum.Length == size ? _sum : new double[size];
        for (var row = 0; row < rows; row++)
        {
            var values = hidden.Slice(row * size, size);
            var square = 0.0;
            foreach (var value in values)
            {
                square += (double)value * value;
            }

            var scale = square > 0 ? 1 / Math.Sqrt(square / size) : 0;
            for (var i = 0; i < size; i++)
            {
                _sum[i] += scale * values[i];
            }
        }

        _tokens += rows;
    }

    /// <inheritdoc />
    public void EndPrompt(BlockSession session, int rows) => _skipped = choose(Feature);

    /// <inheritdoc />
    public Block Run(BlockSession session, TokenId token, int most, TimeProvider clock)
    {
        var begun = clock.GetTimestamp();
        var drafts = Draft(session, token, most);
        var draftMs = clock.GetElapsedTime(begun).TotalMilliseconds;

        var rows = new BlockRows(session);
        rows.Add(token);
        drafts.ForEach(rows.Add);
        session.Run(0, session.StageCount, rows.Part(0, rows.Count, certain: 1), 0, draftsFromLast: false);
        var block = Block.Judge(rows, session.Last.Verify(0), draftMs);
        session.Settle(rows, block.Tokens.Count);
        _policy.Note(block.Drafted, block.Accepted);
        return block;
    }

    private List<TokenId> Draft(BlockSession session, TokenId token, int most)
    {
        var drafts = new List<TokenId>();
        var path = session.Path;
        var rows = new BlockRows(session);
        rows.Add(token);
        SkipAtAll(session, _skipped);
        var confidence = 1.0;
        while (drafts.Count < most && _policy.GoesOn(drafts.Count, confidence))
        {
            var row = rows.Count - 1;
            session.Run(0, session.StageCount, rows.Part(row, 1, certain: 1), row, draftsFromLast: false);
            var draft = session.Last.Verify(0)[0];
            if (draft == TokenId.None)
            {
                break;
            }

            confidence = Math.Exp(session.Last.Logprobs(0, draft, 0).Chosen);
            drafts.Add(draft);
            rows.Add(draft);
        }

        SkipAtAll(session, null);
        session.Return(path);
        return drafts;
    }

    private static void SkipAtAll(BlockSession session, IReadOnlyList<bool>? skipped)
    {
        for (var i = 0; i < session.StageCount; i++)
        {
            ((ISkippingRuntime)session.Stage(i)).Skip(skipped);
        }
    }
}
