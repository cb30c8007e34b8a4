using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads arrays of token ids. Pure.</summary>
internal static class TokenIds
{
    /// <summary>The ids, each within the model's vocabulary.</summary>
    /// <param name="place">The field.</param>
    public static int[] Read(JsonElement array, string place, ServedModel model)
    {
        var vocabSize = model.Assets.Config.VocabSize;
        if (array.ValueKind != JsonValueKind.Array)
        {
            throw RequestFields.Mismatch(place, "an array of token ids", array);
        }

        var ids = new int[array.GetArrayLength()];
        var i = 0;
        foreach (var element in array.EnumerateArray())
        {
            ids[i] =
                element.ValueKind == JsonValueKind.Number
                && element.TryGetInt32(out var id)
                && id >= 0
                && id < vocabSize
                    ? id
                    : throw RequestFields.Mismatch($"{place}[{i}]", $"a token id from 0 to {vocabSize - 1}", element);
            i++;
        }

        return ids;
    }
}
