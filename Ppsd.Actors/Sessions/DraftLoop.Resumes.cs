using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>How sessions go on with texts of earlier pipelines.</summary>
internal sealed partial class DraftLoop
{
    private readonly ResumedSessions _resumed = new(clock);

    /// <summary>A stage has said what it keeps of a text from an earlier pipeline.</summary>
    public void TakeKept(KeptFound found)
    {
        if (_resumed.Note(found) is { } plan)
        {
            Enter(found.Session, plan);
        }
    }

    /// <summary>A stage is computing tokens of a session again, which may take longer than a stall.</summary>
    public void NoteReplayed(SessionId id)
    {
        if (_sessions.TryGetValue(id, out var session))
        {
            session.NoteProgress();
        }
    }

    private void GoOn(DecodeSession decode, SessionId? earlier)
    {
        if (earlier is { } lost && options.ReplayMemory > 0)
        {
            port.SendToStages(_resumed.Ask(new FindKept(decode.Id, lost, [.. decode.Tokens]), StageCount));
        }
        else
        {
            Enter(decode.Id, ResumePlan.Whole);
        }
    }

    /// <summary>Lets a session's tokens enter, behind those that stages keep.</summary>
    private void Enter(SessionId id, ResumePlan plan)
    {
        var decode = _sessions[id].Decode;
        if (plan.Length > 0 && _admission!.TryExtend(id, plan.ReservedLength) is { } reserved)
        {
            decode.GoOnBehind(plan, reserved);
        }

        _composer!.Add(decode);
        port.RequestWork();
    }

    /// <summary>A question or an answer may be lost; a session does not wait for ever.</summary>
    private void AskForKeptAgain()
    {
        foreach (var late in _resumed.TakeLate(options.StallTimeout))
        {
            Enter(late, ResumePlan.Whole);
        }

        foreach (var find in _resumed.Unanswered)
        {
            port.SendToStages(find);
        }
    }
}
