using Ppsd.Actors.Planning;

namespace Ppsd.Host.Verification;

/// <summary>
/// The law on one device, at the level of logits: a row's bits do not depend on other rows, on how a prompt was
/// chunked, or on where the model was cut.
/// </summary>
internal sealed class BitIdentityChecks(VerifiedDevice device)
{
    // All that the narrow product takes at once, and beyond them both sides of every border between tiles.
    private static readonly int[] _widths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64];

    private const int PromptLength = 37;

    /// <summary>Runs the checks.</summary>
    public IEnumerable<Finding> Run()
    {
        using var whole = device.Load([LayerCount]);
        yield return Widths(whole.Run);
        yield return Chunks(whole.Run);
        var prompt = Prompt(seed: 1);
        whole.Run.Open(1, prompt.Length);
        var expected = whole.Run.Feed(1, prompt, chunk: 16)[0];
        whole.Run.Close(1);
        foreach (var counts in Cuts())
        {
            yield return Cut(counts, prompt, expected);
        }
    }

    private int LayerCount => device.Assets.Config.LayerCount;

    private Finding Widths(ModelRun run)
    {
        var most = run.MaxWidth;
        var name = $"rows at widths 1 to {most}";
        var prompts = Enumerable.Range(0, most).Select(i => Prompt(i)[..(9 + 3 * (i % 8))]).ToArray();
        var alone = new float[most][];
        for (var i = 0; i < most; i++)
        {
            run.Open(i, prompts[i].Length);
            alone[i] = run.Feed(i, prompts[i], chunk: 16)[0];
            run.Close(i);
        }

        foreach (var width in _widths.Where(width => width <= most))
        {
            for (var i = 0; i < width; i++)
            {
                run.Open(i, prompts[i].Length);
                run.Feed(i, prompts[i].AsSpan(..^1), chunk: 16, headRows: 0);
            }

            var together = run.Step([.. Enumerable.Range(0, width).Select(i => ((long)i, prompts[i][^1]))], width);
            for (var i = 0; i < width; i++)
            {
                run.Close(i);
                if (!together[i].AsSpan().SequenceEqual(alone[i]))
                {
                    return new Finding(name, false, $"row {i} differs at width {width}");
                }
            }
        }

        return new Finding(name, true, "bitwise equal to each row alone");
    }

    private Finding Chunks(ModelRun run)
    {
        var prompt = Prompt(seed: 2);
        float[]? expected = null;
        foreach (var chunk in (int[])[PromptLength, 16, 5, 1])
        {
            run.Open(1, prompt.Length);
            var logits = run.Feed(1, prompt, chunk)[0];
            run.Close(1);
            expected ??= logits;
            if (!logits.AsSpan().SequenceEqual(expected))
            {
                return new Finding("prompt in chunks", false, $"chunks of {chunk} differ from one chunk");
            }
        }

        return new Finding(
            "prompt in chunks",
            true,
            $"{PromptLength} tokens in chunks of {PromptLength}, 16, 5, 1: bitwise equal"
        );
    }

    private Finding Cut(IReadOnlyList<int> counts, int[] prompt, float[] expected)
    {
        using var stages = device.Load(counts);
        stages.Run.Open(1, prompt.Length);
        var logits = stages.Run.Feed(1, prompt, chunk: 16)[0];
        var name = $"cut into {string.Join(',', counts)}";
        return logits.AsSpan().SequenceEqual(expected)
            ? new Finding(name, true, "bitwise equal to one stage")
            : new Finding(name, false, "differs from one stage");
    }

    private IEnumerable<IReadOnlyList<int>> Cuts() =>
        from stages in ((int[])[2, 4, 5, LayerCount]).Distinct()
        where stages <= LayerCount
        select (IReadOnlyList<int>)[.. StagePlan.Even(LayerCount, stages).Stages.Select(stage => stage.Count)];

    /// <summary>Token ids without meaning: exactness does not depend on sense.</summary>
    private int[] Prompt(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, PromptLength).Select(_ => random.Next(device.Assets.Config.VocabSize))];
    }
}
