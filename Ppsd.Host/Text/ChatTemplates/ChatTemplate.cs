using System.Text.Json;
using Ppsd.Host.Text.ChatTemplates.Functions;
using Ppsd.Host.Text.ChatTemplates.Syntax;
using Ppsd.Host.Text.ChatTemplates.Values;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>
/// A model's chat template: turns a conversation into the text of a prompt, as transformers' <c>apply_chat_template</c>
/// does. Supports a subset of Jinja and refuses anything else with its name and place. Immutable and safe for use from
/// several threads at once.
/// </summary>
/// <remarks>
/// <para>
/// The text carries its special tokens spelled out: encode it with <see cref="ITextTokenizer.EncodeRendered"/>.
/// </para>
/// <para>
/// The subset (Jinja 3.1, https://jinja.palletsprojects.com/en/stable/templates/): the statements if, for, set (also as
/// a block, also of a namespace's field), macro, call, filter, with, raw, break, continue and generation; comments and
/// white space control with <c>trim_blocks</c> and <c>lstrip_blocks</c> on; all operators; the filters of
/// <see cref="Filters"/>, the tests of <see cref="ValueTests"/>, the methods of <see cref="Methods"/>, the functions of
/// <see cref="GlobalFunctions"/> and the <c>loop</c> of <see cref="LoopState"/>. Values behave as in Python. Not known:
/// include, import, extends, block, autoescape and do, of which transformers offers templates none that could be used.
/// </para>
/// <para>
/// A template is a program from whoever published the model. It sees nothing but its variables and cannot change them,
/// and <see cref="RenderBudget"/> bounds its work.
/// </para>
/// </remarks>
internal sealed class ChatTemplate
{
    private readonly TemplateSource _source;
    private readonly IReadOnlyList<Statement> _statements;
    private readonly KeyValuePair<string, string>[] _namedTokens;
    private readonly TimeProvider _time;

    private ChatTemplate(
        TemplateSource source,
        IEnumerable<KeyValuePair<string, string>> namedTokens,
        TimeProvider time
    )
    {
        _source = source;
        _statements = TemplateParser.Parse(source, out var uses);
        SupportedNames.Check(source, uses);
        _namedTokens = [.. namedTokens];
        _time = time;
    }

    /// <summary>Parses a template.</summary>
    /// <param name="name">The file, or where in a file it stands; for messages.</param>
    /// <param name="namedTokens">The special tokens it may write, such as <c>bos_token</c>.</param>
    /// <param name="time">Clock for templates that print the date.</param>
    /// <exception cref="TextException">The template is malformed or uses something that is not supported.</exception>
    public static ChatTemplate Parse(
        string name,
        string text,
        IEnumerable<KeyValuePair<string, string>> namedTokens,
        TimeProvider time
    ) => new(new TemplateSource(name, text), namedTokens, time);

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages in order.</param>
    /// <param name="rendering">What else the template is given.</param>
    /// <exception cref="TextException">
    /// The template refuses the conversation (the message is the template's own), or does something that is not
    /// supported or would take too long.
    /// </exception>
    public string Render(IReadOnlyList<ChatMessage> messages, ChatRendering rendering)
    {
        var all = new Dictionary<string, object?>
        {
            ["messages"] = new TemplateList([.. messages.Select(ValueOf)]),
            ["tools"] = null,
            ["documents"] = null,
            ["add_generation_prompt"] = rendering.AddsGenerationPrompt && !rendering.ContinuesFinalMessage,
        };
        foreach (var (name, spelling) in _namedTokens)
        {
            all[name] = spelling;
        }

        foreach (var (name, value) in rendering.Variables)
        {
            all[name] = name is "messages" or "add_generation_prompt"
                ? throw new TextException($"'{name}': expected another name for a variable of the chat template")
                : JsonValues.From(value);
        }

        var text = TemplateRenderer.Render(_source, _statements, all, _time);
        return rendering.ContinuesFinalMessage ? UpToEndOf(messages[^1].Content, text) : text;
    }

    // A template may strip a message; then its end is that of the stripped one.
    private static string UpToEndOf(string message, string rendered)
    {
        var stripped = PythonText.Trim(message);
        var start = stripped.Length == 0 ? -1 : rendered.LastIndexOf(stripped, StringComparison.Ordinal);
        if (start < 0)
        {
            throw new TextException("the chat template does not write the last message, so it cannot be continued");
        }

        var kept = PythonText.TrimStart(message);
        return string.CompareOrdinal(rendered, start, kept, 0, kept.Length) == 0
            ? rendered[..(start + kept.Length)]
            : rendered[..(start + stripped.Length)];
    }

    private static TemplateMap ValueOf(ChatMessage message)
    {
        var map = new TemplateMap();
        map.Set("role", message.Role);
        map.Set("content", message.Content);
        foreach (var (name, value) in message.Further ?? new Dictionary<string, JsonElement>())
        {
            if (name is not ("role" or "content"))
            {
                map.Set(name, JsonValues.From(value));
            }
        }

        return map;
    }
}
