namespace Ppsd.Actors.Planning;

/// <summary>Contiguous layers of one stage.</summary>
/// <param name="First">First layer, from 0.</param>
/// <param name="Count">Layers, at least 1.</param>
public readonly record struct LayerRange(int First, int Count)
{
    /// <summary>Layer after the last.</summary>
    public int End => First + Count;
}

/// <summary>How a model's layers are cut into stages. Pure.</summary>
public sealed class StagePlan
{
    private StagePlan(IReadOnlyList<LayerRange> stages) => Stages = stages;

    /// <summary>The stages in order; together they hold every layer once.</summary>
    public IReadOnlyList<LayerRange> Stages { get; }

    /// <summary>
    /// Cuts evenly. Layers left over go to the stages between the first, which also runs the exit head, and the last,
    /// which also runs the LM head; then to the last, then to the first.
    /// </summary>
    /// <exception cref="StagePlanException">The number of stages does not fit the number of layers.</exception>
    public static StagePlan Even(int layerCount, int stageCount)
    {
        if (stageCount < 1 || stageCount > layerCount)
        {
            throw new StagePlanException(
                StagePlanSetting.Stages,
                $"expected 1 to {layerCount} (the model's layers), found {stageCount}"
            );
        }

        var counts = new int[stageCount];
        Array.Fill(counts, layerCount / stageCount);
        var order = Enumerable.Range(1, Math.Max(0, stageCount - 2)).Append(stageCount - 1).Append(0).ToList();
        for (var i = 0; i < layerCount % stageCount; i++)
        {
            counts[order[i]]++;
        }

        return FromCounts(counts, layerCount);
    }

    /// <summary>Cuts into the given counts.</summary>
    /// <exception cref="StagePlanException">The counts do not add up to the model's layers.</exception>
    public static StagePlan FromCounts(IReadOnlyList<int> counts, int layerCount)
    {
        ArgumentNullException.ThrowIfNull(counts);
        if (counts.Count == 0 || counts.Any(count => count < 1) || counts.Sum() != layerCount)
        {
            throw new StagePlanException(
                StagePlanSetting.StageLayers,
                $"expected positive counts that add up to {layerCount} (the model's layers), found "
                    + $"{string.Join(',', counts)}"
            );
        }

        var stages = new List<LayerRange>();
        var first = 0;
        foreach (var count in counts)
        {
            stages.Add(new LayerRange(first, count));
            first += count;
        }

        return new StagePlan(stages);
    }

    /// <inheritdoc />
    public override string ToString() => string.Join(',', Stages.Select(stage => stage.Count));
}
