using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>
/// Finds a model's chat template: chat_template.jinja (transformers 5) or else <c>chat_template</c> in
/// tokenizer_config.json, which is a template or a list of named ones, of which "default" counts.
/// </summary>
internal static class ChatTemplateLoader
{
    /// <summary>Loads the template of a Hugging Face model folder.</summary>
    /// <param name="time">Clock for templates that print the date.</param>
    /// <exception cref="TextException">There is none, or it is malformed or not supported.</exception>
    public static ChatTemplate Load(string modelFolder, TimeProvider time) =>
        TryLoad(modelFolder, time) ?? throw Missing(modelFolder);

    /// <summary>The error of a model without a template.</summary>
    public static TextException Missing(string modelFolder) =>
        new(
            $"{modelFolder}: the model has no chat template (chat_template.jinja, or chat_template in "
                + "tokenizer_config.json); give a raw prompt instead of messages, or --chat-template FILE"
        );

    /// <summary>As <see cref="Load"/>, or null when the model has no template.</summary>
    /// <exception cref="TextException">The template is malformed or not supported.</exception>
    public static ChatTemplate? TryLoad(string modelFolder, TimeProvider time)
    {
        var config = TokenizerConfig.Load(modelFolder);
        var path = Path.Combine(modelFolder, "chat_template.jinja");
        if (File.Exists(path))
        {
            return ChatTemplate.Parse(path, TextOf(path, TextFiles.ReadAllBytes(path)), config.NamedTokens, time);
        }

        using var file = JsonFile.OpenIfPresent(config.Path);
        return file is not null && JsonFile.Find(file.Root, "chat_template") is { } template
            ? ChatTemplate.Parse($"{config.Path}: chat_template", TextOf(file, template), config.NamedTokens, time)
            : null;
    }

    /// <summary>Loads a template from a file of its own, for a model whose special tokens it may write.</summary>
    /// <param name="time">Clock for templates that print the date.</param>
    /// <exception cref="TextException">The file cannot be read, or is malformed or not supported.</exception>
    public static ChatTemplate LoadFile(string path, string modelFolder, TimeProvider time)
    {
        return ChatTemplate.Parse(
            path,
            TextOf(path, TextFiles.ReadAllBytes(path)),
            TokenizerConfig.Load(modelFolder).NamedTokens,
            time
        );
    }

    private static string TextOf(string path, byte[] bytes)
    {
        try
        {
            return Utf8Text.Decode(bytes);
        }
        catch (FormatException e)
        {
            throw new TextException($"{path}:{e.Message}", e);
        }
    }

    private static string TextOf(JsonFile file, JsonElement template)
    {
        if (template.ValueKind != JsonValueKind.Array)
        {
            return file.AsString(template, "chat_template");
        }

        var names = new List<string?>();
        foreach (var entry in template.EnumerateArray())
        {
            var name = file.FindString(entry, "name");
            if (name == "default" && file.FindString(entry, "template") is { } text)
            {
                return text;
            }

            names.Add(name);
        }

        throw TextException.Unsupported(
            file.Path,
            "chat_template",
            $"only the names {string.Join(", ", names)}",
            "a template, or a list with one named 'default'"
        );
    }
}
