using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads arrays of token ids. Pure.</summary>
internal static class TokenIds
{
    /// <summary>The ids, each within the model's vocabulary.</summary>
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
                RequestFields.WholeOf(element) is >= 0 and var id && id < vocabSize
                    ? (int)id
                    : throw RequestFields.Mismatch($"{place}[{i}]", $"a token id from 0 to {vocabSize - 1}", element);
            i++;
        }

        return ids;
    }
}
