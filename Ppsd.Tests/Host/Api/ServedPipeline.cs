using System.Text.Json;

namespace Ppsd.Tests.Host.Api;

/// <summary>A pipeline as its server tells of it.</summary>
internal static class ServedPipeline
{
    /// <summary>Fails when a stage holds a session or a page for longer than it takes to let go.</summary>
    public static async Task AssertNothingHeldAsync(HttpClient http)
    {
        JsonElement cluster = default;
        for (var attempt = 0; attempt < 100; attempt++)
        {
            cluster = (await http.ReadAsync("/cluster")).Body;
            var stages = cluster.GetProperty("stages").EnumerateArray().ToList();
            if (
                stages.Count > 0
                && stages.TrueForAll(stage =>
                    IsZero(stage, "sessions") && IsZero(stage, "kv_pages_used") && IsZero(stage, "sent_row_bytes")
                )
            )
            {
                return;
            }

            await Task.Delay(200);
        }

        Assert.Fail($"still held after twenty seconds: {cluster}");
    }

    private static bool IsZero(JsonElement stage, string name) =>
        stage.GetProperty(name) is { ValueKind: JsonValueKind.Number } number && number.GetInt64() == 0;
}
