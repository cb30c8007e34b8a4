namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>What of a model a device holds to train heads.</summary>
/// <param name="FirstLayer">First layer.</param>
/// <param name="LayerCount">Layers.</param>
/// <param name="ExitLayers">Layers counted from the model's first after which heads stand here; each once.</param>
/// <param name="Slots">Passes whose states after exit layers are kept at a time.</param>
/// <param name="ReadsEmbedding">True when a head here needs the embedding of tokens.</param>
internal sealed record TeacherPart(
    int FirstLayer,
    int LayerCount,
    IReadOnlyCollection<int> ExitLayers,
    int Slots,
    bool ReadsEmbedding
);
