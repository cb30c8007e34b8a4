namespace Ppsd.Actors.Messages;

/// <summary>
/// How a pipeline computes, in words: its model, and which layers are computed how. Two pipelines with the same words give the same
/// bits, wherever their layers are cut; so a text may go on in the other. Pure.
/// </summary>
public static class PipelineArithmetic
{
    /// <summary>The words; <c>1234abcd: layers 1-8 cpu rope-frequencies=checkpoint</c>.</summary>
    public static string Of(PipelineFormed pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return Of(pipeline.ModelFingerprint, pipeline.Stages.Select(stage => stage.Description));
    }

    /// <summary>The words for stages of a model.</summary>
    /// <param name="model">The model's fingerprint.</param>
    /// <param name="stages">All stages in order.</param>
    public static string Of(string model, IEnumerable<StageDescription> stages)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stages);
        var ranges = new List<(int First, int Last, string How)>();
        foreach (var stage in stages)
        {
            var last = stage.FirstLayer + stage.LayerCount;
            if (ranges.Count > 0 && ranges[^1].How == stage.Arithmetic)
            {
                ranges[^1] = ranges[^1] with { Last = last };
            }
            else
            {
                ranges.Add((stage.FirstLayer + 1, last, stage.Arithmetic));
            }
        }

        return $"{model[..Math.Min(12, model.Length)]}: "
            + string.Join(", ", ranges.Select(range => $"layers {range.First}-{range.Last} {range.How}".TrimEnd()));
    }
}
