using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>A stage's work on a micro-batch, whose results wait until its time has passed.</summary>
/// <param name="batch">The micro-batch as it came.</param>
internal sealed class LockStepStep(MicroBatch batch)
{
    /// <summary>The micro-batch as it came.</summary>
    public MicroBatch Batch { get; } = batch;

    /// <summary>Rows computed; 0 for a micro-batch that was dead or could not be placed.</summary>
    public int Rows { get; set; }

    /// <summary>Rows that the exit head drafted from.</summary>
    public int DraftRows { get; set; }

    /// <summary>Tokens ahead of each; 0 where the exit head did not run.</summary>
    public int Depth { get; set; }

    /// <summary>Chain steps run before it, from tokens that had not entered yet.</summary>
    public int StepsBehind { get; set; }

    /// <summary>Message for the next stage, sent when the layers are done; null for none.</summary>
    public WorkItem? Done { get; set; }

    /// <summary>Drafts, verdicts and errors, in that order; sent when the step ends.</summary>
    public List<object> Messages { get; } = [];

    /// <summary>Time of the layers that is left.</summary>
    public double LayersLeft { get; set; }

    /// <summary>Time of the exit head that is left, after the layers.</summary>
    public double HeadLeft { get; set; }

    /// <summary>True until the layers are done.</summary>
    public bool IsInLayers { get; set; } = true;

    /// <summary>Time left of the part that is running.</summary>
    public double Left => IsInLayers ? LayersLeft : HeadLeft;

    /// <summary>Ends the step at once without results, because a cancel reached it.</summary>
    public void Abandon()
    {
        Done?.Hidden.Release();
        Done = null;
        Messages.Clear();
        (LayersLeft, HeadLeft) = (0, 0);
    }

    /// <summary>The stage has worked for a time.</summary>
    public void Work(double time)
    {
        if (IsInLayers)
        {
            LayersLeft -= time;
        }
        else
        {
            HeadLeft -= time;
        }
    }
}
