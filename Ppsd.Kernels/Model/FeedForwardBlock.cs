using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>The block of an MLP exit head: hidden += down(silu(gate(n)) * up(n)) with n the normed hidden state.</summary>
internal sealed class FeedForwardBlock : IDisposable
{
    private readonly Backend _backend;
    private readonly Norm _norm;
    private readonly IFeedForward _block;

    private FeedForwardBlock(Backend backend, Norm norm, IFeedForward block)
    {
        _backend = backend;
        _norm = norm;
        _block = block;
    }

    /// <summary>Loads the <c>mlp.*</c> tensors of a head.</summary>
    public static FeedForwardBlock Load(
        Backend backend,
        WeightSource source,
        ModelConfig verifier,
        int inner,
        float epsilon
    )
    {
        var hidden = verifier.HiddenSize;
        return new FeedForwardBlock(
            backend,
            StreamNorm.Load(backend, source, ExitHeadTensorNames.MlpNorm, verifier, epsilon),
            GatedFeedForward.Load(
                backend,
                source.Require(ExitHeadTensorNames.MlpGate, inner, hidden),
                source.Require(ExitHeadTensorNames.MlpUp, inner, hidden),
                source.Require(ExitHeadTensorNames.MlpDown, hidden, inner)
            )
        );
    }

    /// <summary>Bytes of weights one step reads.</summary>
    public long WeightBytes => _block.WeightBytes;

    /// <summary>Adds the block's output to <paramref name="hidden"/>, [rows, hiddenSize], in place.</summary>
    public void Forward(Activations hidden, StageScratch scratch, int rows)
    {
        _backend.RmsNorm(hidden, 0, rows, _norm, scratch.Normed);
        _block.Forward(hidden, scratch, rows, next: null);
    }

    public void Dispose()
    {
        _norm.Dispose();
        _block.Dispose();
    }
}
