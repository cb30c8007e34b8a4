using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation.Blocks;

namespace Ppsd.Actors.Rivals;

/// <summary>
/// Self-speculation with an early exit, as EESD, LayerSkip and DEL do it: the layers up to an exit and a head draft tokens one
/// by one; one pass of the layers behind it verifies all of them, from the hidden states that drafting left. No layer runs
/// twice on a row, and keys and values of a right draft stay.
/// </summary>
/// <param name="createPolicy">Makes the policy of a text from its request.</param>
/// <param name="exitStages">The stage before each exit that policies choose from.</param>
/// <param name="heads">Heads of all exits, which become its own; null where the stage before the exit has one.</param>
internal sealed class EarlyExitDrafter(
    Func<StartSession, IBlockPolicy> createPolicy,
    IReadOnlyList<int> exitStages,
    ILayerHeads? heads = null
) : IBlockDrafter, IDisposable
{
    /// <summary>Positions at a prompt's end that shadow policies read.</summary>
    private const int ShadowPositions = 32;

    private readonly List<DraftedToken> _drafted = [];
    private readonly TokenId[] _token = new TokenId[1];
    private readonly double[] _confidence = new double[1];
    private IBlockPolicy _policy = new ConstantLength(0);
    private SamplingSettings _sampling = SamplingSettings.Greedy;

    /// <inheritdoc />
    public int MostDrafts => _policy.MostDrafts;

    /// <inheritdoc />
    public void Begin(StartSession request)
    {
        _policy = createPolicy(request);
        _sampling = request.Sampling;
    }

    /// <inheritdoc />
    public void EndPrompt(BlockSession session, int rows)
    {
        if (_policy is IShadowPolicy shadows)
        {
            var read = Math.Min(rows, Math.Min(ShadowPositions, session.Last.Description.CandidatesPerStep));
            var target = session.Last.Verify(rows - read);
            shadows.NotePrompt(Shadows(session, rows - read, read, session.Path.Length - read), target);
        }
    }

    /// <inheritdoc />
    public void Dispose() => heads?.Dispose();

    /// <inheritdoc />
    public Block Run(BlockSession session, TokenId token, int most, TimeProvider clock)
    {
        var begun = clock.GetTimestamp();
        var rows = new BlockRows(session);
        rows.Add(token);
        var last = _policy.MostDrafts == 0 ? -1 : exitStages[_policy.Exit];
        var confidence = 1.0;
        while (last >= 0)
        {
            var row = rows.Count - 1;
            var goesOn = row < most && _policy.GoesOn(row, confidence);
            session.Run(0, last + 1, rows.Part(row, 1, certain: 1), row, draftsFromLast: goesOn);
            if (!goesOn || !TryDraft(session, rows, out confidence))
            {
                break;
            }
        }

        var draftMs = clock.GetElapsedTime(begun).TotalMilliseconds;
        session.Run(last + 1, session.StageCount, rows.Part(0, rows.Count, certain: 1), 0, draftsFromLast: false);
        var verdicts = session.Last.Verify(0);
        if (_policy is IShadowPolicy shadows)
        {
            shadows.NoteShadows(Shadows(session, 0, rows.Count, session.Path.Length), verdicts);
        }

        var block = Block.Judge(rows, verdicts, draftMs);
        session.Settle(rows, block.Tokens.Count);
        _policy.Note(block.Drafted, block.Accepted);
        return block;
    }

    /// <summary>Drafts behind the last row.</summary>
    private bool TryDraft(BlockSession session, BlockRows rows, out double confidence)
    {
        var row = rows.Count - 1;
        if (heads is not null)
        {
            var hidden = session.HiddenBehind(exitStages[_policy.Exit], row, 1).Span;
            heads.Guess(_policy.Exit, hidden, session.Path.Length + row, _sampling, _token, _confidence);
            (var token, confidence) = (_token[0], _confidence[0]);
            if (token == TokenId.None)
            {
                return false;
            }

            rows.Add(token);
            return true;
        }

        // Only two drafts are ranked, and only then is a probability worked out.
        _drafted.Clear();
        session
            .Stage(exitStages[_policy.Exit])
            .Draft(0, rows.Candidate(row), _policy.ReadsConfidence ? 2 : 1, _drafted);
        confidence = _drafted.Count == 0 ? 0 : Math.Exp(_drafted[0].LogProbability);
        if (_drafted.Count == 0)
        {
            return false;
        }

        rows.Add(_drafted[0].Token);
        return true;
    }

    private ShadowToken[][] Shadows(BlockSession session, int firstRow, int count, int firstPosition)
    {
        var shadows = new ShadowToken[exitStages.Count][];
        var tokens = new TokenId[count];
        var confidences = new double[count];
        for (var exit = 0; exit < exitStages.Count; exit++)
        {
            var hidden = session.HiddenBehind(exitStages[exit], firstRow, count).Span;
            heads!.Guess(exit, hidden, firstPosition, _sampling, tokens, confidences);
            shadows[exit] = new ShadowToken[count];
            for (var i = 0; i < count; i++)
            {
                shadows[exit][i] = new ShadowToken(tokens[i], confidences[i]);
            }
        }

        return shadows;
    }
}
