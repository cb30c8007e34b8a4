using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>What must hold between the fields of a received message before an actor may rely on it.</summary>
internal static class WireChecks
{
    /// <summary>Throws when fields are missing or contradict each other.</summary>
    public static void Check(object message)
    {
        switch (message)
        {
            case Forward forward:
                Check(forward);
                break;
            case Verdicts verdicts:
                Require(verdicts.Sessions is not null, "verdicts lack their sessions");
                Array.ForEach(verdicts.Sessions, Check);
                Require(IsTime(verdicts.StageMs), "verdicts' time at stages is negative or not finite");
                break;
            case Drafts drafts:
                Require(drafts.Tokens is not null, "drafts lack their tokens");
                Require(Array.TrueForAll(drafts.Tokens, token => token.Step >= 0), "a draft's step is negative");
                break;
            case Cancel cancel:
                Require(cancel.Branch is not null, "a cancel lacks its branch");
                break;
            case StartSession start:
                Require(
                    start
                        is {
                            Prompt: not null,
                            EndTokens: not null,
                            Sampling.LogitBias: not null,
                            ModelFingerprint: not null,
                            Generated: not null,
                            Arithmetic: not null
                        },
                    "a start lacks a field"
                );
                break;
            case FindKept find:
                Require(find.Tokens is not null, "a question for what is kept lacks its tokens");
                break;
            case KeptFound found:
                Require(
                    found.Length >= 0
                        && found.SentRows >= 0
                        && found.HeadLength >= 0
                        && found.SentRows <= found.Length
                        && found.HeadLength <= found.Length
                        && found.ReservedLength >= 0,
                    "what is kept is more than there is"
                );
                break;
            case StartText text:
                Check(text);
                break;
            case TextAccepted accepted:
                Require(accepted.Model is not null, "an accepted text lacks its model");
                break;
            case TextEmitted emitted:
                Require(
                    emitted.Text is not null
                        && emitted.Terms is null or { Arithmetic: not null }
                        && emitted.Logprobs?.All(token => token is { Chosen.Text: not null, Top: not null }) != false,
                    "a segment lacks its text"
                );
                break;
            case TextEnded ended:
                Check(ended.Stats);
                break;
            case SessionEnded ended:
                Check(ended.Stats);
                break;
            case SessionStarted started:
                Require(started.Arithmetic is not null, "a started session lacks its arithmetic");
                break;
            case SessionRefused refused:
                Require(refused.Reason is not null, "a refused session lacks its reason");
                break;
            case SessionFailed failed:
                Require(failed.Reason is not null, "a failed session lacks its reason");
                break;
            case StageFault fault:
                Require(fault.Reason is not null, "a fault lacks its reason");
                break;
            case TextFailed failed:
                Require(failed.Reason is not null, "a failed text lacks its reason");
                break;
            case TokensEmitted tokens:
                Require(tokens.Tokens is not null, "emitted tokens are missing");
                Check(tokens.Logprobs, tokens.Tokens.Length);
                break;
            case DraftsInFlight drafts:
                Require(drafts.Tokens is not null, "drafts in flight are missing");
                Require(
                    drafts.Others is null
                        || (drafts.Others.Length == drafts.Tokens.Length && !drafts.Others.Contains(null!)),
                    "other drafts in flight do not match the likeliest"
                );
                break;
            case PipelineFormed formed:
                Check(formed);
                break;
            case StageReady ready:
                Check(ready.Member);
                break;
            case OfferRefused refused:
                Require(refused.Reason is not null, "a refused offer lacks its reason");
                break;
            case StageFailed failed:
                Require(failed.Reason is not null, "a failed stage lacks its reason");
                break;
            case StageStatus status:
                Require(status.Description is not null, "a status lacks its description");
                Require(
                    status.Sessions is null
                        || (
                            status.Sessions.Sources is not null
                            && Array.TrueForAll(
                                status.Sessions.Sources,
                                source => source is not null && Enum.IsDefined(source.Source)
                            )
                        ),
                    "a status lacks its sources"
                );
                break;
            case StageOffered offered:
                Require(offered.ModelFingerprint is not null, "an offer lacks its model");
                Require(offered.MostLayers >= 0, "an offer's number of layers is negative");
                Require(
                    offered.Arithmetic is not null
                        && Array.TrueForAll(offered.Arithmetic, setting => setting?.Contains('=') == true),
                    "an offer lacks its arithmetic"
                );
                Check(offered.Formed);
                break;
            case PipelineState state:
                Require(state is { Explanation: not null, CoordinatorAddress: not null }, "a state lacks a field");
                Check(state.Formed);
                break;
            case Credit
            or GapSeen
            or EndSession
            or SessionReleased
            or TokensReplayed
            or SessionQueued
            or TokenCredit
            or StopSession
            or TextCredit
            or StopText
            or GetStageStatus
            or LinkProbe
            or LinkEcho
            or AssignStage
            or DrainNode
            or NodeDraining
            or NodeReleased
            or TextDeclined
            or GetPipeline:
                // Nothing in them can be missing or contradict itself.
                break;
            default:
                throw new SerializationException($"a {message.GetType().Name} has no check");
        }
    }

    private static void Check(PipelineFormed? formed)
    {
        if (formed is not null)
        {
            Require(formed is { Stages.Length: > 0, ModelFingerprint: not null }, "a pipeline lacks its stages");
            Array.ForEach(formed.Stages, Check);
            Require(
                Array.TrueForAll(formed.Stages, stage => stage.Description.RowCosts.IsSound()),
                "a stage's costs are not times"
            );
        }
    }

    private static void Check(PipelineStage? stage) =>
        Require(
            stage is { Actor: not null, Description: { Device: not null, Arithmetic: not null } }
                && stage.Link is null or { Host: not null, Key.Length: LinkEndpoint.KeyBytes },
            "a stage lacks a field"
        );

    private static void Check(TokenLogprobs[]? logprobs, int tokenCount) =>
        Require(
            logprobs is null
                || (logprobs.Length == tokenCount && Array.TrueForAll(logprobs, token => token is { Top: not null })),
            "log-probabilities do not fit their tokens"
        );

    private static void Check(SessionStats? stats) =>
        Require(
            stats is { AcceptanceHistogram: not null, Sources: not null }
                && Array.TrueForAll(stats.Sources, figures => figures is not null),
            "an ended session lacks its figures"
        );

    private static void Check(SessionVerdicts verdicts)
    {
        Require(verdicts is { Candidates: not null, Tokens: not null }, "verdicts lack an array");
        Require(
            verdicts.Candidates.Length == verdicts.Tokens.Length,
            $"{verdicts.Candidates.Length} candidates but {verdicts.Tokens.Length} verdicts"
        );
        Check(verdicts.Logprobs, verdicts.Tokens.Length);
    }

    private static void Check(Forward forward)
    {
        var batch = forward.Batch;
        Require(batch is { Parts.Length: > 0 }, "a micro-batch has no parts");
        Require(IsTime(batch.StageMs), "a micro-batch's time at stages is negative or not finite");
        for (var i = 0; i < batch.Parts.Length; i++)
        {
            Check(batch.Parts[i], isFirst: i == 0);
        }

        Require(forward.Hidden is not null, "a micro-batch has no hidden states");
        Require(
            forward.Hidden.Length > 0 && forward.Hidden.Length % ((long)batch.Count * sizeof(float)) == 0,
            $"{forward.Hidden.Length} bytes of hidden states are not whole fp32 rows for {batch.Count} candidates"
        );
    }

    private static void Check(BatchPart part, bool isFirst)
    {
        Require(part is { Candidates: not null, Tokens: not null, Parents: not null }, "a micro-batch lacks an array");
        var count = part.Candidates.Length;
        Require(count > 0, "a micro-batch has no candidates");
        Require(
            part.Tokens.Length == count && part.Parents.Length == count,
            $"a micro-batch has {count} candidates, {part.Tokens.Length} tokens and {part.Parents.Length} parents"
        );
        Require(
            part.CertainCount >= 0
                && part.Depth >= 0
                && part.CertainCount <= count
                && part.FirstHeadRow >= 0
                && part.FirstHeadRow <= (isFirst ? count : 0),
            "a micro-batch's marks lie outside it"
        );
        Require(part.Settings is null or { Sampling.LogitBias: not null }, "session settings lack their sampling");
    }

    private static void Check(StartText text)
    {
        Require(
            text is { Settings.StopStrings: not null } && text.Settings.StopStrings.All(stop => stop is not null),
            "a text lacks its settings"
        );
        Require(
            text.From is null or { Tokens: not null, Terms.Arithmetic: not null },
            "a text that goes on lacks where it was"
        );
        Require(text.Prompt is null != text.Conversation is null, "a text is a prompt or a conversation");
        Require(
            text.Conversation?.All(turn => turn is { Role: not null, Content: not null }) != false,
            "a turn lacks its role or its content"
        );
    }

    private static bool IsTime(double ms) => double.IsFinite(ms) && ms >= 0;

    private static void Require([DoesNotReturnIf(false)] bool holds, string complaint)
    {
        if (!holds)
        {
            throw new SerializationException(complaint);
        }
    }
}
