using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Model.Drafting;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Rivals;

/// <summary>Norm heads of all exits as the decoder sees them. Takes ownership.</summary>
/// <param name="backend">The device to free with them; null where a stage owns it.</param>
internal sealed class DeviceLayerHeads(LayerHeads heads, IDisposable? backend) : ILayerHeads
{
    private DraftToken[] _best = [];

    public void Guess(
        int exit,
        ReadOnlySpan<byte> hidden,
        int firstPosition,
        SamplingSettings sampling,
        Span<TokenId> tokens,
        Span<double> confidences
    )
    {
        if (_best.Length < tokens.Length)
        {
            _best = new DraftToken[tokens.Length];
        }

        var best = _best.AsSpan(0, tokens.Length);
        heads.Run(exit, hidden, firstPosition, StageModelRuntime.ParametersOf(sampling), best);
        for (var i = 0; i < best.Length; i++)
        {
            tokens[i] = best[i].Token == TokenSampler.NoToken ? TokenId.None : new TokenId(best[i].Token);
            confidences[i] = Math.Exp(best[i].LogProbability);
        }
    }

    public void Dispose()
    {
        heads.Dispose();
        backend?.Dispose();
    }
}
