using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Verification;

/// <summary>
/// A chain head on one device: the tokens its steps go on from are the host's from the same logits, with the noise of each
/// position; and its logits are another implementation's.
/// </summary>
internal sealed class ChainChecks(VerifiedDevice device)
{
    private const string LogitsName = "chain_logits";
    private const int PromptLength = 21;

    private static readonly SamplingParameters[] _samplings =
    [
        new(),
        new() { Temperature = 1f, Seed = 1 },
        new()
        {
            Temperature = 0.7f,
            TopK = 50,
            TopP = 0.9f,
            Seed = 2,
        },
        new() { Temperature = 1.5f, Seed = 3 },
    ];

    private int ExitLayer => device.Assets.ExitHead!.ExitLayer;

    /// <summary>True when a file of golden results holds those of a chain head.</summary>
    public static bool AreIn(string goldens)
    {
        using var file = SafetensorsFile.Open(goldens);
        return file.TryGet($"0.{LogitsName}.0", out _);
    }

    /// <summary>Checks what is drawn, and that no row's chain depends on those beside it.</summary>
    public IEnumerable<Finding> Run()
    {
        using var stages = device.Load([ExitLayer]);
        var depth = stages.Run.DraftDepth;
        var prompt = new int[_samplings.Length][];
        for (var i = 0; i < prompt.Length; i++)
        {
            prompt[i] =
            [
                .. Enumerable
                    .Range(0, PromptLength - i)
                    .Select(at => (7 + (i * 131) + (at * 37)) % device.Assets.Config.VocabSize),
            ];
        }

        var alone = prompt.Select((tokens, i) => DraftAlone(stages.Run, i, tokens, depth)).ToArray();
        for (var i = 0; i < prompt.Length; i++)
        {
            stages.Run.Open(i, PromptLength, _samplings[i]);
            stages.Run.FeedAll(i, prompt[i].AsSpan(..^1), depth);
        }

        stages.Run.Step([.. prompt.Select((tokens, i) => ((long)i, tokens[^1]))], headRows: 0);
        var together = stages.Run.Drafts(depth);
        for (var i = 0; i < prompt.Length; i++)
        {
            stages.Run.Close(i);
        }

        yield return Draws(together, prompt);
        var differs = Enumerable
            .Range(0, prompt.Length)
            .Any(i =>
                Enumerable
                    .Range(0, depth)
                    .Any(step => !together[i][step].Logits.AsSpan().SequenceEqual(alone[i][step].Logits))
            );
        yield return new Finding(
            "chains side by side",
            !differs,
            differs ? "a chain's logits depend on the rows beside it" : "bitwise equal to each alone"
        );
    }

    /// <summary>Compares with golden results: <c>i.input_ids</c>, <c>i.rows</c> and <c>i.chain_logits.j</c>.</summary>
    public Finding Logits(string goldens)
    {
        using var file = SafetensorsFile.Open(goldens);
        using var stages = device.Load([ExitLayer]);
        var worst = 0.0;
        for (var text = 0; file.TryGet($"{text}.input_ids", out _); text++)
        {
            var ids = GoldenChecks.Integers(file, $"{text}.input_ids");
            var rows = GoldenChecks.Integers(file, $"{text}.rows");
            var expected = new List<float[][]>();
            while (
                expected.Count < stages.Run.DraftDepth && file.TryGet($"{text}.{LogitsName}.{expected.Count}", out _)
            )
            {
                expected.Add(GoldenChecks.Rows(file, $"{text}.{LogitsName}.{expected.Count}"));
            }

            for (var i = 0; i < rows.Length; i++)
            {
                stages.Run.Open(text, ids.Length);
                stages.Run.FeedAll(text, ids.AsSpan(0, rows[i]), depth: 1);
                stages.Run.Step([(text, ids[rows[i]])], headRows: 0);
                var logits = stages.Run.ChainLogits(ids.AsSpan(rows[i] + 1, expected.Count - 1));
                stages.Run.Close(text);
                for (var step = 0; step < logits.Length; step++)
                {
                    worst = Math.Max(worst, GoldenChecks.RelativeError(logits[step], expected[step][i]));
                }
            }
        }

        return GoldenChecks.Bounded("golden chain logits", worst, GoldenChecks.ToleranceOf(device));
    }

    private static (int Token, float[] Logits)[] DraftAlone(ModelRun run, int i, int[] prompt, int depth)
    {
        run.Open(i, PromptLength, _samplings[i]);
        run.FeedAll(i, prompt.AsSpan(..^1), depth);
        run.Step([(i, prompt[^1])], headRows: 0);
        var drafts = run.Drafts(depth)[0];
        run.Close(i);
        return drafts;
    }

    private Finding Draws((int Token, float[] Logits)[][] drafts, int[][] prompts)
    {
        var sampler = new TokenSampler(device.Assets.Config.VocabSize);
        for (var i = 0; i < drafts.Length; i++)
        {
            for (var step = 0; step < drafts[i].Length; step++)
            {
                var position = prompts[i].Length + step;
                var expected = sampler.Sample(drafts[i][step].Logits, _samplings[i], position, default);
                if (drafts[i][step].Token != expected)
                {
                    return new Finding(
                        "chain drafts",
                        false,
                        $"token {drafts[i][step].Token} where the host draws {expected}, step {step}, {_samplings[i]}"
                    );
                }
            }
        }

        return new Finding(
            "chain drafts",
            true,
            $"all {drafts.Sum(steps => steps.Length)} of {drafts[0].Length} steps are the host's from the same logits"
        );
    }
}
