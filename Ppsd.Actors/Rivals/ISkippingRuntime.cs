using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Rivals;

/// <summary>A stage that can run without some of its sublayers, for drafts.</summary>
internal interface ISkippingRuntime : IStageRuntime
{
    /// <summary>
    /// Says what steps skip from now on. Rows of a step that skipped anything are taken back before a full step follows.
    /// </summary>
    /// <param name="skipped">
    /// For each layer of the whole model, whether its attention and whether its feed-forward block is skipped, [2 layers];
    /// null for none.
    /// </param>
    void Skip(IReadOnlyList<bool>? skipped);
}
