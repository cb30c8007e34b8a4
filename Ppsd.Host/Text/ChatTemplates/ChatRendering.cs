using System.Text.Json;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>How a conversation is rendered: what a request may say besides its messages.</summary>
internal sealed record ChatRendering
{
    /// <summary>Up to where the assistant's next message begins, with no further variables.</summary>
    public static readonly ChatRendering Default = new();

    /// <summary>Whether the text ends where the assistant's next message begins.</summary>
    public bool AddsGenerationPrompt { get; init; } = true;

    /// <summary>
    /// Whether the text ends with the last message, so that the model goes on with it. Excludes
    /// <see cref="AddsGenerationPrompt"/>.
    /// </summary>
    public bool ContinuesFinalMessage { get; init; }

    /// <summary>
    /// Further variables that the template may look at, such as <c>tools</c>, <c>enable_thinking</c> or
    /// <c>reasoning_effort</c>.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();
}
