using Ppsd.Actors.Planning;

namespace Ppsd.Host.Rivals;

/// <summary>A plan's stages, cut again at exits so that each exit lies behind a stage's layers. Pure.</summary>
/// <param name="Layers">The cuts, in order.</param>
/// <param name="Devices">The plan's stage that each is a part of, from 0.</param>
/// <param name="ExitStages">The cut behind which each exit lies.</param>
internal sealed record RivalCut(
    IReadOnlyList<LayerRange> Layers,
    IReadOnlyList<int> Devices,
    IReadOnlyList<int> ExitStages
)
{
    /// <summary>Cuts a plan.</summary>
    /// <param name="exits">Layers before each exit, all below the model's number of layers.</param>
    public static RivalCut Of(StagePlan plan, IReadOnlyList<int> exits)
    {
        var layers = new List<LayerRange>();
        var devices = new List<int>();
        for (var stage = 0; stage < plan.Stages.Count; stage++)
        {
            var range = plan.Stages[stage];
            var first = range.First;
            foreach (var end in exits.Where(exit => exit > range.First && exit < range.End).Order().Append(range.End))
            {
                if (end > first)
                {
                    layers.Add(new LayerRange(first, end - first));
                    devices.Add(stage);
                    first = end;
                }
            }
        }

        return new RivalCut(layers, devices, [.. exits.Select(exit => layers.FindIndex(range => range.End == exit))]);
    }
}
