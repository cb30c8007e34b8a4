namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>Listed logits in the host's memory.</summary>
/// <param name="rows">Most rows.</param>
/// <param name="tokens">The list, ascending.</param>
internal sealed unsafe class CpuListedLogits(int rows, int[] tokens) : ListedLogits
{
    private readonly CpuActivations _listed = new(rows, tokens.Length);

    public override Activations Listed => _listed;

    public override void Spread(Activations logits, int rows)
    {
        var target = (CpuActivations)logits;
        for (var row = 0; row < rows; row++)
        {
            var from = _listed.Row(row);
            var to = target.Row(row);
            new Span<float>(to, target.Width).Fill(float.NegativeInfinity);
            for (var i = 0; i < tokens.Length; i++)
            {
                to[tokens[i]] = from[i];
            }
        }
    }

    public override void Dispose() => _listed.Dispose();
}
