using System.Globalization;
using System.Text;
using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// The tokens that an exit head drafts, where these are not the whole vocabulary: a JSON list in its folder, ascending, so that
/// equal logits tie as they do in the whole. Immutable.
/// </summary>
public sealed class DraftVocabulary
{
    /// <summary>Name of the file as <c>ppsd distill</c> writes it.</summary>
    public const string FileName = "draft_vocabulary.json";

    private const string ListText = "a list of tokens, at least one";

    private readonly string _path;
    private readonly int[] _tokens;

    private DraftVocabulary(string path, int[] tokens)
    {
        _path = path;
        _tokens = tokens;
    }

    /// <summary>Number of tokens.</summary>
    public int Count => _tokens.Length;

    /// <summary>The tokens, ascending.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>A list that lies in no file.</summary>
    /// <param name="tokens">Ascending, none twice, none negative, at least one.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    public static DraftVocabulary Of(ReadOnlySpan<int> tokens)
    {
        try
        {
            return Check("tokens", tokens.ToArray());
        }
        catch (CheckpointException e)
        {
            throw new ArgumentException(e.Message, nameof(tokens), e);
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointException">
    /// It is missing, no list of integers, or the list is empty, does not ascend or names a token twice.
    /// </exception>
    public static DraftVocabulary Read(string path)
    {
        var json = CheckpointFiles.ReadJson(path);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Array
                ? Check(path, [.. root.EnumerateArray().Select((token, i) => Token(path, i, token))])
                : throw CheckpointException.Mismatch(path, "file", ListText, JsonErrors.Quote(root.GetRawText()));
        }
        catch (JsonException error)
        {
            throw JsonErrors.Describe(path, "file", error);
        }
    }

    /// <summary>Writes the list as <see cref="Read"/> takes it, sixteen tokens a line.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string path)
    {
        var lines = _tokens.Chunk(16).Select(line => "  " + string.Join(", ", line.Select(Text)));
        WholeFile.Write(path, Encoding.UTF8.GetBytes($"[\n{string.Join(",\n", lines)}\n]\n"));
    }

    /// <summary>Checks that a model has all the tokens.</summary>
    /// <exception cref="CheckpointException">It has fewer; one line.</exception>
    public void RequireWithin(int vocabSize)
    {
        if (_tokens[^1] >= vocabSize)
        {
            throw CheckpointException.Mismatch(
                _path,
                $"entry {Count}",
                $"a token below {vocabSize}, the model's vocabulary",
                Text(_tokens[^1])
            );
        }
    }

    private static int Token(string path, int index, JsonElement token) =>
        token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out var number) && number >= 0
            ? number
            : throw CheckpointException.Mismatch(
                path,
                $"entry {index + 1}",
                $"an integer from 0 to {int.MaxValue}",
                JsonErrors.Quote(token.GetRawText())
            );

    private static DraftVocabulary Check(string path, int[] tokens)
    {
        if (tokens.Length == 0)
        {
            throw CheckpointException.Mismatch(path, "file", ListText, "an empty one");
        }

        for (var i = 0; i < tokens.Length; i++)
        {
            var least = i == 0 ? 0 : tokens[i - 1] + 1L;
            if (tokens[i] < least)
            {
                throw CheckpointException.Mismatch(
                    path,
                    $"entry {i + 1}",
                    $"a token from {least} on (the list ascends, no token comes twice)",
                    Text(tokens[i])
                );
            }
        }

        return new DraftVocabulary(path, tokens);
    }

    private static string Text(int token) => token.ToString(CultureInfo.InvariantCulture);
}
