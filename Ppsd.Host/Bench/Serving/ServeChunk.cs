using System.Text.Json;

namespace Ppsd.Host.Bench.Serving;

/// <summary>The parts of a streamed chunk that the benchmark measures.</summary>
internal sealed record ServeChunk
{
    /// <summary>The end of a stream.</summary>
    public static ServeChunk Done { get; } = new() { IsDone = true };

    /// <summary>True when it carries text.</summary>
    public bool HasText { get; private init; }

    /// <summary>The error it carries; null for none.</summary>
    public string? Error { get; private init; }

    private bool IsDone { get; init; }

    private (int Input, int Output)? Usage { get; init; }

    private (int Verified, int Accepted, int Runs)? Drafts { get; init; }

    /// <summary>Reads one.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static ServeChunk Parse(ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        return root.TryGetProperty("error", out var error)
            ? new ServeChunk { Error = error.ToString() }
            : new ServeChunk
            {
                HasText =
                    root.TryGetProperty("choices", out var choices)
                    && choices.GetArrayLength() > 0
                    && TextOf(choices[0]) is { Length: > 0 },
                Usage = Member(root, "usage") is { } usage
                    ? (Number(usage, "prompt_tokens"), Number(usage, "completion_tokens"))
                    : null,
                Drafts =
                    Member(root, "metrics") is { } metrics && Member(metrics, "speculative_decoding") is { } drafts
                        ? (
                            Number(drafts, "num_draft_tokens"),
                            Number(drafts, "num_accepted_draft_tokens"),
                            Number(drafts, "num_spec_steps")
                        )
                        : null,
            };
    }

    /// <summary>The request's figures with this chunk's fields added.</summary>
    public ServeSample ApplyTo(ServeSample sample)
    {
        if (Usage is { } usage)
        {
            sample = sample with { InputTokens = usage.Input, OutputTokens = usage.Output };
        }

        if (Drafts is { } drafts)
        {
            sample = sample with
            {
                VerifiedDrafts = drafts.Verified,
                AcceptedDrafts = drafts.Accepted,
                Runs = drafts.Runs,
            };
        }

        return IsDone ? sample with { Failure = null } : sample;
    }

    private static string? TextOf(JsonElement choice) =>
        (Member(choice, "delta") is { } delta ? Member(delta, "content") : Member(choice, "text"))?.GetString();

    private static JsonElement? Member(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
