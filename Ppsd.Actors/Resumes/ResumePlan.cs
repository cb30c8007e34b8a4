using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Resumes;

/// <summary>
/// How a new pipeline goes on with a text of an earlier one: how much of it the stages that have lived keep, and which stages
/// must compute it again. Decided from what every stage says that it keeps. Pure.
/// </summary>
/// <param name="Length">Tokens from the text's first on that are kept; 0 where all stages compute the whole text.</param>
/// <param name="HeadLength">Those of them that the exit head's caches hold too.</param>
/// <param name="Lacking">
/// Stages that keep nothing. Each row of them is fed by the stage before it, which has kept the hidden states it sent; a row
/// that begins with the first stage is fed by the text's tokens.
/// </param>
/// <param name="ReservedLength">Tokens that the sessions which are kept have reserved memory for.</param>
internal sealed record ResumePlan(int Length, int HeadLength, int[] Lacking, int ReservedLength)
{
    /// <summary>All stages compute the whole text.</summary>
    public static ResumePlan Whole { get; } = new(0, 0, [], 0);

    /// <summary>Decides.</summary>
    /// <param name="kept">What each stage keeps, in order.</param>
    /// <param name="tokens">Tokens of the text. The last of them is computed in any case: its verdict is the next token.</param>
    public static ResumePlan Of(IReadOnlyList<KeptFound> kept, int tokens)
    {
        var length = tokens - 1;
        var headLength = length;
        var reserved = 0;
        var lacking = new List<int>();
        for (var stage = 0; stage < kept.Count; stage++)
        {
            if (kept[stage].Length > 0)
            {
                length = Math.Min(length, kept[stage].Length);
                headLength = Math.Min(headLength, kept[stage].HeadLength);
                reserved = Math.Max(reserved, kept[stage].ReservedLength);
                continue;
            }

            lacking.Add(stage);
            if (stage > 0 && kept[stage - 1].Length > 0)
            {
                length = Math.Min(length, kept[stage - 1].SentRows);
            }
        }

        return length <= 0 || lacking.Count == kept.Count
            ? Whole
            : new ResumePlan(length, Math.Min(headLength, length), [.. lacking], reserved);
    }
}
