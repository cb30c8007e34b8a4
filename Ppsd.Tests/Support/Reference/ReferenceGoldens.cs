namespace Ppsd.Tests.Support.Reference;

/// <summary>Golden results as <see cref="ReferenceModel"/> computes them.</summary>
internal static class ReferenceGoldens
{
    private const int LogitRows = 4;
    private const int GreedyTokens = 24;

    /// <summary>Runs the prompts of a model with the same tokens.</summary>
    public static IReadOnlyList<Golden> Compute(string folder)
    {
        var model = new ReferenceModel(folder);
        return [.. Golden.Read(TestModels.Qwen3).Select(golden => Run(model, golden.InputIds))];
    }

    private static Golden Run(ReferenceModel model, int[] prompt)
    {
        model.Clear();
        var states = prompt.Select(model.Feed).ToArray()[^LogitRows..];
        var logits = states.Select(state => model.Logits(state[^1])).ToArray();
        var greedy = new int[GreedyTokens];
        var last = logits[^1];
        for (var i = 0; i < greedy.Length; i++)
        {
            greedy[i] = Array.IndexOf(last, last.Max());
            last = model.Logits(model.Feed(greedy[i])[^1]);
        }

        return new Golden(
            prompt,
            greedy,
            [.. logits.Select(Single)],
            Enumerable
                .Range(1, model.Layers - 1)
                .ToDictionary(depth => depth, depth => states.Select(state => Single(state[depth])).ToArray())
        );
    }

    private static float[] Single(double[] values) => [.. values.Select(value => (float)value)];
}
