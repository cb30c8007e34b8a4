using System.Text.Json;

namespace Ppsd.Tests.Host.Text;

/// <summary>One text with the ids and the decoded text that the transformers library gives.</summary>
internal sealed record GoldenTokens(string Text, int[] Ids, string Decoded)
{
    public static IReadOnlyList<GoldenTokens> Load(string fileName)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TextTestData.Data("goldens", fileName)));
        return
        [
            .. from entry in document.RootElement.EnumerateArray()
            select new GoldenTokens(
                entry.GetProperty("text").GetString()!,
                [.. entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
                entry.GetProperty("decoded").GetString()!
            ),
        ];
    }
}
