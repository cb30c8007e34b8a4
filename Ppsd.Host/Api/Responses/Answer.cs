using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>What all answers with a text, and all pieces of them, have in common.</summary>
internal abstract record Answer
{
    /// <summary>Names the answer; the same in all its pieces.</summary>
    [JsonPropertyOrder(-4)]
    public required string Id { get; init; }

    /// <summary>What this is.</summary>
    [JsonPropertyOrder(-3)]
    public abstract string Object { get; }

    /// <summary>Seconds since 1970.</summary>
    [JsonPropertyOrder(-2)]
    public required long Created { get; init; }

    /// <summary>The model.</summary>
    [JsonPropertyOrder(-1)]
    public required string Model { get; init; }

    /// <summary>Changes when the same request may give another text.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>Tokens used; in a stream only in the last piece, when asked for.</summary>
    public Usage? Usage { get; init; }

    /// <summary>
    /// The seed its tokens were drawn with, given or drawn; in a stream with the finish reason. Absent where the likeliest
    /// tokens are taken.
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>The request's figures, when asked for; in a stream with the finish reason.</summary>
    public RequestMetrics? Metrics { get; init; }

    /// <summary>
    /// Texts of the drafts now in flight behind a stream's text, when asked for; replaces those sent before.
    /// </summary>
    public IReadOnlyList<string>? Drafts { get; init; }

    /// <summary>For each draft the other drafts for its place; absent where there are none.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? OtherDrafts { get; init; }
}
