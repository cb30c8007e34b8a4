using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Verification;

/// <summary>
/// A card's draws against the host's: from the same logits both must draw the same token, greedy, sampled and filtered,
/// because some sessions' draws need the host.
/// </summary>
/// <param name="run">The model on the card.</param>
/// <param name="vocabSize">Its token ids.</param>
/// <param name="steps">Steps to take, of one row for each of the settings.</param>
internal sealed class DrawChecks(ModelRun run, int vocabSize, int steps = 64)
{
    private static readonly SamplingParameters[] _settings =
    [
        new(),
        new() { Temperature = 1f },
        new() { Temperature = 2f },
        new() { Temperature = 0.8f, TopK = 50 },
        new() { Temperature = 1.5f, TopP = 0.9f },
        new() { Temperature = 1f, MinP = 0.05f },
        new()
        {
            Temperature = 1.2f,
            TopK = 1000,
            TopP = 0.999f,
            MinP = 1e-3f,
        },
        new() { Temperature = 5f, TopP = 0.99f },
    ];

    /// <summary>Runs the checks.</summary>
    public Finding Run()
    {
        var sampler = new TokenSampler(vocabSize);
        var settings = _settings.Select((parameters, row) => parameters with { Seed = (ulong)row }).ToArray();
        var tokens = new int[settings.Length];
        for (var row = 0; row < settings.Length; row++)
        {
            run.Open(row, steps, settings[row]);
            tokens[row] = row % vocabSize;
        }

        Finding? wrong = null;
        for (var step = 0; step < steps && wrong is null; step++)
        {
            var logits = run.Step([.. tokens.Select((token, row) => ((long)row, token))], settings.Length);
            for (var row = 0; row < settings.Length; row++)
            {
                tokens[row] = run.LastVerdicts[row];
                var expected = sampler.Sample(logits[row], settings[row], step + 1, default);
                if (expected == TokenSampler.NoToken)
                {
                    wrong = new Finding("draws", false, $"the logits at position {step + 1} are not finite");
                    break;
                }

                if (tokens[row] != expected)
                {
                    wrong = new Finding(
                        "draws",
                        false,
                        $"token {tokens[row]} where the host draws {expected}, position {step + 1}, {settings[row]}"
                    );
                }
            }
        }

        for (var row = 0; row < settings.Length; row++)
        {
            run.Close(row);
        }

        return wrong
            ?? new Finding("draws", true, $"all {steps * settings.Length} are the host's from the same logits");
    }
}
