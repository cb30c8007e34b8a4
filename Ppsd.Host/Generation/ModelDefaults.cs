using Ppsd.Actors.Messages;
using Ppsd.Host.Models;

namespace Ppsd.Host.Generation;

/// <summary>What a request leaves open is as the model's generation_config.json says. Pure.</summary>
internal static class ModelDefaults
{
    /// <summary>How to draw tokens.</summary>
    public static SamplingSettings Sampling(TextSettings settings, ModelAssets assets)
    {
        var model = assets.Generation;
        return new SamplingSettings
        {
            Temperature = settings.Temperature ?? (float)model.DefaultTemperature,
            TopK = settings.TopK ?? model.TopK ?? 0,
            TopP = settings.TopP ?? (float)(model.TopP ?? 1),
            MinP = settings.MinP ?? (float)(model.MinP ?? 0),
            RepetitionPenalty = settings.RepetitionPenalty ?? (float)(model.RepetitionPenalty ?? 1),
            PresencePenalty = settings.PresencePenalty ?? 0,
            FrequencyPenalty = settings.FrequencyPenalty ?? 0,
            Seed = settings.Seed ?? 0,
        };
    }

    /// <summary>
    /// Most tokens of a text whose length nobody has set: <c>max_new_tokens</c> of the model, at most the room for them.
    /// </summary>
    public static int MaxTokens(ModelAssets assets, int room) => Math.Min(assets.Generation.MaxNewTokens ?? room, room);
}
