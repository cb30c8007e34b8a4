using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Says why a message does not fit the stage it has come to, where the wire's checks cannot: they know no stage. A device
/// trusts its rows, so what does not fit is treated as lost. Pure.
/// </summary>
/// <param name="description">What it holds.</param>
internal sealed class StageIntake(StageIndex stage, StageDescription description)
{
    /// <summary>Why the stage cannot work on hidden states, in one line; null when it can.</summary>
    public string? Refusal(Forward forward)
    {
        var (batch, hidden) = forward;
        var expectedBytes = (long)batch.Count * description.HiddenSize * sizeof(float);
        if (stage.Value == 0)
        {
            return "the first stage takes no hidden states";
        }

        if (hidden.Length != expectedBytes)
        {
            return $"hidden states: expected {expectedBytes} bytes ({batch.Count} rows of {description.HiddenSize} fp32 values), "
                + $"found {hidden.Length}";
        }

        if (batch.Count > description.MaxRows)
        {
            return $"rows: expected at most {description.MaxRows}, found {batch.Count}";
        }

        if (batch.Count - batch.FirstHeadRow > description.CandidatesPerStep)
        {
            return $"rows whose successors are wanted: expected at most {description.CandidatesPerStep}, "
                + $"found {batch.Count - batch.FirstHeadRow}";
        }

        for (var i = 0; i < batch.Parts.Length; i++)
        {
            if (Refusal(batch.Parts[i]) is { } reason)
            {
                return reason;
            }

            if (Array.FindIndex(batch.Parts, part => part.Session == batch.Parts[i].Session) < i)
            {
                return $"{batch.Parts[i].Session} has two parts";
            }
        }

        return null;
    }

    /// <summary>Why tokens from another stage cannot be the model's, in one line; null when they can.</summary>
    public string? Refusal(ReadOnlySpan<TokenId> tokens)
    {
        foreach (var token in tokens)
        {
            if (token.Value < 0 || token.Value >= description.VocabSize)
            {
                return $"token: expected 0 to {description.VocabSize - 1}, found {token.Value}";
            }
        }

        return null;
    }

    /// <summary>
    /// Why these verdicts cannot come from the model, in one line; null when they can. A verdict may hold no token.
    /// </summary>
    public string? RefusalOfVerdicts(ReadOnlySpan<TokenId> tokens)
    {
        foreach (ref readonly var token in tokens)
        {
            if (token != TokenId.None && Refusal([token]) is { } reason)
            {
                return reason;
            }
        }

        return null;
    }

    private string? Refusal(BatchPart part)
    {
        if (part.Base.Length < 0 || part.Base.Length > description.MaxLength)
        {
            return $"verified tokens: expected 0 to {description.MaxLength}, found {part.Base.Length}";
        }

        for (var i = 0; i < part.Count; i++)
        {
            var id = part.Candidates[i].Value;
            if (id <= (i == 0 ? CandidateId.Root : part.Candidates[i - 1]).Value)
            {
                return $"candidates: expected ids that count up, found {id} at place {i + 1}";
            }

            if (part.Parents[i].Value >= id)
            {
                return $"candidate {id}: expected a parent before it, found {part.Parents[i].Value}";
            }
        }

        return Refusal(part.Tokens) ?? (part.Settings is { } settings ? Refusal(settings) : null);
    }

    private string? Refusal(SessionSettings settings)
    {
        var slots = (long)description.PageCount * description.PageSize;
        return settings switch
        {
            { ReservedLength: var length } when length < 1 || length > slots =>
                $"tokens to reserve: expected 1 to {slots}, found {length}",
            { PromptLength: var length } when length < 1 || length > settings.ReservedLength =>
                $"prompt tokens: expected 1 to {settings.ReservedLength}, found {length}",
            { MaxWidth: var width } when width < 1 || width > description.MaxWidth =>
                $"max width: expected 1 to {description.MaxWidth}, found {width}",
            _ => SessionLimits.Refusal(settings.TopLogprobs)
                ?? SessionLimits.Refusal(settings.Sampling, description.VocabSize),
        };
    }
}
