using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>LLaMA's block: hidden += down(silu(gate(n)) * up(n)), n the normed hidden state. Gate and up are one matrix.</summary>
internal sealed class GatedFeedForward : IFeedForward
{
    private readonly Backend _backend;
    private readonly WeightMatrix _gateUp;
    private readonly WeightMatrix _down;

    private GatedFeedForward(Backend backend, WeightMatrix gateUp, WeightMatrix down)
    {
        _backend = backend;
        _gateUp = gateUp;
        _down = down;
    }

    public long WeightBytes => _gateUp.ByteCount + _down.ByteCount;

    /// <summary>Loads gate and up, [inner, hidden] each, and down, [hidden, inner].</summary>
    public static GatedFeedForward Load(Backend backend, Weight gate, Weight up, Weight down) =>
        new(backend, backend.LoadGateUp(gate, up), backend.LoadMatrix(down));

    public void Forward(Activations hidden, StageScratch scratch, int rows, Norm? next)
    {
        _backend.MatMulSwiGlu(scratch.Normed, _gateUp, scratch.GateUp, scratch.FeedForward, rows);
        _backend.MatMulAdd(scratch.FeedForward, _down, hidden, rows, next, scratch.Normed);
    }

    public void Dispose()
    {
        _gateUp.Dispose();
        _down.Dispose();
    }
}
