using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>The families that are read; a new one is a file and a line here.</summary>
internal static class ModelFamilies
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        new LlamaFamily(),
        new MistralFamily(),
        new Qwen2Family(),
        new Qwen3Family(),
        new Phi3Family(),
        new GraniteFamily(),
        new SmolLm3Family(),
    ];

    /// <summary>Finds the family of a configuration by <c>architectures</c>, or by <c>model_type</c> where that is absent.</summary>
    /// <exception cref="CheckpointException">There is none, or the two fields contradict each other.</exception>
    public static ModelFamily Of(JsonFields config)
    {
        var names = $"one of {string.Join(", ", All.Select(family => family.Architecture))}";
        var architectures = config.FindStringList("architectures", names);
        var modelType = config.FindString("model_type");
        if (architectures is null)
        {
            var types = string.Join(", ", All.Select(family => family.ModelType));
            return All.FirstOrDefault(family => family.ModelType == modelType)
                ?? throw config.Refuse("model_type", $"one of {types}");
        }

        var found = architectures is [var architecture]
            ? All.FirstOrDefault(family => family.Architecture == architecture)
            : null;
        return found is null ? throw config.Refuse("architectures", names)
            : modelType is null || modelType == found.ModelType ? found
            : throw config.Refuse("model_type", found.ModelType);
    }
}
