using Ppsd.Host.Generation;

namespace Ppsd.Host.Bench.Decode;

/// <summary>Settings of the decode benchmark.</summary>
/// <param name="Prompts">Prompts, decoded one after another.</param>
/// <param name="Generation">Settings of each generation; end tokens are ignored so that every text has the same length.</param>
/// <param name="Repetitions">Rounds; each decodes every prompt autoregressively and then with PPSD.</param>
internal sealed record DecodeBenchSettings(
    IReadOnlyList<int[]> Prompts,
    GenerationSettings Generation,
    int Repetitions
);
