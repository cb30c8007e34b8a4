using System.Text.Json;

namespace Ppsd.Host.Text;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">
/// Role of the speaker: <c>system</c>, <c>user</c>, <c>assistant</c>, or another that the template knows.
/// </param>
/// <param name="Content">Text of the message.</param>
internal sealed record ChatMessage(string Role, string Content)
{
    /// <summary>
    /// Further fields that the model's template may look at, such as <c>tool_calls</c> or <c>name</c>; null for none.
    /// They never replace role or content.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement>? Further { get; init; }
}
