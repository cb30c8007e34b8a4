using System.Text;
using System.Text.Json;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>Words for what is wrong with a JSON text.</summary>
internal static class JsonErrors
{
    private const int MaxQuotedChars = 60;

    /// <summary>The line for text that is not JSON, with the place (counted from 1, in bytes) and the reason.</summary>
    public static CheckpointException Describe(string path, string subject, JsonException error)
    {
        // The reason ends in the place, counted from 0; ours is counted from 1 as editors do.
        var reason = error.Message;
        var place = reason.IndexOf(" LineNumber:", StringComparison.Ordinal);
        reason = place < 0 ? reason : reason[..place];

        // A name that stands twice is found after reading, without a place.
        var where = error.LineNumber is null
            ? ""
            : $" at line {error.LineNumber + 1}, position {error.BytePositionInLine + 1}";
        return CheckpointException.Mismatch(path, subject, "JSON", $"an error{where}: {reason}", error);
    }

    /// <summary>A raw JSON value, shortened.</summary>
    public static string Quote(ReadOnlySpan<byte> value) => Quote(Encoding.UTF8.GetString(value));

    /// <summary>A raw JSON value, shortened.</summary>
    public static string Quote(string value) => value.Length <= MaxQuotedChars ? value : $"{value[..MaxQuotedChars]}…";
}
