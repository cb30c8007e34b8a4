using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>The feed-forward block of a layer or of an exit head, without the norm at its entry. Owns its weights.</summary>
internal interface IFeedForward : IDisposable
{
    /// <summary>Bytes of weights one step reads.</summary>
    long WeightBytes { get; }

    /// <summary>
    /// Adds the block's output to <paramref name="hidden"/>, [rows, hiddenSize], in place. The scratch's normed rows must be
    /// <paramref name="hidden"/> after the norm at the block's entry; they leave as the new hidden state after
    /// <paramref name="next"/>, if one follows.
    /// </summary>
    void Forward(Activations hidden, StageScratch scratch, int rows, Norm? next);
}
