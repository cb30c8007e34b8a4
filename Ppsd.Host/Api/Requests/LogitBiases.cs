using System.Globalization;
using System.Text.Json;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads <c>logit_bias</c>: an object of token ids, as strings, and addends to their logits. Pure.</summary>
internal static class LogitBiases
{
    private const string Field = "logit_bias";
    private const double Most = 100;
    private const int MaxCount = 1024;

    /// <summary>The addends that change something, by token.</summary>
    public static TokenBias[] Read(RequestFields fields, ServedModel model)
    {
        if (fields.Find(Field) is not { } given)
        {
            return [];
        }

        // OpenAI's SDKs send an object; an empty array asks for nothing either.
        if (given.ValueKind == JsonValueKind.Array && given.GetArrayLength() == 0)
        {
            return [];
        }

        if (given.ValueKind != JsonValueKind.Object)
        {
            throw fields.Expected(Field, "an object of token ids and numbers", given);
        }

        var biases = new Dictionary<int, TokenBias>();
        foreach (var property in given.EnumerateObject())
        {
            var bias = Read(RequestFields.NameOf(property), property.Value, model);
            if (!biases.TryAdd(bias.Token.Value, bias))
            {
                throw ApiException.BadRequest(
                    $"{Field}: expected each token once, found {bias.Token.Value} twice",
                    Field,
                    "invalid_value"
                );
            }
        }

        return biases.Count <= MaxCount
            ? [.. biases.Values.Where(bias => bias.Bias != 0f).OrderBy(bias => bias.Token.Value)]
            : throw ApiException.BadRequest(
                $"{Field}: expected at most {MaxCount} tokens, found {biases.Count}",
                Field,
                "invalid_value"
            );
    }

    private static TokenBias Read(string name, JsonElement value, ServedModel model)
    {
        var place = $"{Field}.{(name.Length <= 64 ? name : name[..61] + "...")}";
        var vocabSize = model.Assets.Config.VocabSize;
        if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var token) || token >= vocabSize)
        {
            throw ApiException.BadRequest(
                $"{place}: expected a token id from 0 to {vocabSize - 1}",
                place,
                "invalid_value"
            );
        }

        return
            value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var bias) && bias is >= -Most and <= Most
            ? new TokenBias(new TokenId(token), (float)bias)
            : throw RequestFields.Mismatch(place, $"a number from -{Most} to {Most}", value);
    }
}
