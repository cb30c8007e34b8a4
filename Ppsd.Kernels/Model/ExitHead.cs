using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>An early-exit head: turns the hidden state after the exit layer into draft logits.</summary>
internal abstract class ExitHead : IDisposable
{
    /// <summary>Steps it can draft ahead of a row.</summary>
    public abstract int MaxDepth { get; }

    /// <summary>Bytes of weights one step reads, a shared LM head not counted.</summary>
    public abstract long WeightBytes { get; }

    /// <summary>Layers with keys and values of their own; they take part in the stage's KV budget.</summary>
    public static int KvLayerCount(ExitHeadConfig head) =>
        head.Kind switch
        {
            ExitHeadKind.Transformer => head.LayerCount,
            ExitHeadKind.Chain => head.LayerCount + 1,
            _ => 0,
        };

    /// <summary>Values a head keeps of each token beside keys and values; fp32 whatever those are.</summary>
    public static int FeatureSize(ExitHeadConfig head, ModelConfig verifier) =>
        head.Kind == ExitHeadKind.Chain ? verifier.HiddenSize : 0;

    /// <summary>Loads a head's tensors.</summary>
    /// <param name="source">The head's tensors.</param>
    /// <param name="head">Its configuration.</param>
    /// <param name="verifier">The model it belongs to.</param>
    /// <param name="table">The model's embedding; what only a chain reads. The caller's.</param>
    /// <param name="lmHead">What it ends in; becomes the head's own.</param>
    /// <param name="limits">Sizes to allocate for.</param>
    public static ExitHead Load(
        Backend backend,
        WeightSource source,
        ExitHeadConfig head,
        ModelConfig verifier,
        WeightMatrix? table,
        LmHead lmHead,
        StageLimits limits
    ) =>
        head.Kind == ExitHeadKind.Chain
            ? ChainExitHead.LoadChain(backend, source, head, verifier, table!, lmHead, limits)
            : PlainExitHead.LoadPlain(backend, source, head, verifier, lmHead, limits);

    /// <summary>Draft logits of a step, and what is drawn from them.</summary>
    public abstract LogitsHead Logits(int step);

    /// <summary>Keeps the hidden states after the exit layer: later layers of the stage will overwrite them.</summary>
    public abstract void Tap(Activations hidden, int rows);

    /// <summary>
    /// False when <see cref="Forward"/> would queue nothing: no row is drafted from, and the head has no cache that
    /// they must enter.
    /// </summary>
    public abstract bool HasWork(int rows, int firstRow);

    /// <summary>Runs the head on the tapped rows. A head's own cache needs every token; the rows to draft from get logits.</summary>
    public abstract void Forward(RotaryMemory rotary, in HeadRun run);

    /// <summary>
    /// Drafts behind tokens that have not entered, from the features kept of the candidates before them. Only a chain can.
    /// </summary>
    /// <param name="rotary">The stage's table.</param>
    /// <param name="run">The step's rows are those tokens; all are drafted from.</param>
    public virtual void ForwardBehind(RotaryMemory rotary, in HeadRun run) =>
        throw new NotSupportedException("only a chain head goes on from its own state");

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>What an exit head is to do with a step's rows.</summary>
/// <param name="Rows">Rows of the step.</param>
/// <param name="FirstRow">First row to draft from.</param>
/// <param name="Depth">Steps to draft ahead of each.</param>
/// <param name="DrawOnHost">
/// Draws a step's tokens on the host and makes them the next step's; false when further steps are not wanted. Null where the device
/// does so, or the tokens are given.
/// </param>
/// <param name="HasGivenTokens">True when the chain goes on from tokens that the rows of its steps have, and not from what was drawn.</param>
internal readonly record struct HeadRun(
    int Rows,
    int FirstRow,
    int Depth,
    Func<int, bool>? DrawOnHost,
    bool HasGivenTokens
)
{
    /// <summary>Rows to draft from.</summary>
    public int DraftRows => Rows - FirstRow;
}
