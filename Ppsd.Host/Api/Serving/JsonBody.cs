using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Serving;

/// <summary>Reads a request's body as JSON, of bounded length and depth; a body may be compressed with gzip.</summary>
internal static class JsonBody
{
    private const int MaxDepth = 32;
    private const int LongBytes = 1 << 16; // some milliseconds

    private static readonly JsonDocumentOptions _options = new()
    {
        MaxDepth = MaxDepth,
        AllowDuplicateProperties = false,
    };

    /// <summary>
    /// Whether a body is so long that its text may take a while to tokenize: a route takes its place at the gate first.
    /// </summary>
    public static bool IsLong(JsonDocument body) => JsonMarshal.GetRawUtf8Value(body.RootElement).Length >= LongBytes;

    /// <summary>Reads it.</summary>
    /// <param name="maxBytes">Longest body.</param>
    /// <exception cref="ApiException">It is too long, not declared as JSON, or no JSON.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellation)
    {
        if (!request.HasJsonContentType())
        {
            throw ApiException.UnsupportedMedia(
                $"expected Content-Type: application/json, found {(request.ContentType is { Length: > 0 and <= 100 } type ? $"'{type}'" : "none")}"
            );
        }

        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        var bytes = IsGzip(request)
            ? await DecompressAsync(request, maxBytes, cancellation)
            : await ReadBytesAsync(request, maxBytes, cancellation);
        return Parse(bytes);
    }

    private static bool IsGzip(HttpRequest request)
    {
        var encodings = request.Headers.GetCommaSeparatedValues("Content-Encoding");
        return encodings switch
        {
            [] or ["identity"] => false,
            [var only] when only.Equals("gzip", StringComparison.OrdinalIgnoreCase) => true,
            _ => throw ApiException.UnsupportedMedia(
                $"expected Content-Encoding: gzip, or none, found '{Shown(string.Join(", ", encodings))}'"
            ),
        };
    }

    /// <summary>The length that counts is that of the text: a short body can stand for a long one.</summary>
    private static async Task<byte[]> DecompressAsync(
        HttpRequest request,
        long maxBytes,
        CancellationToken cancellation
    )
    {
        await using var text = new GZipStream(request.BodyReader.AsStream(), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 14];
        try
        {
            while (await text.ReadAsync(buffer, cancellation) is > 0 and var count)
            {
                if (bytes.Length + count > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                bytes.Write(buffer, 0, count);
            }
        }
        catch (InvalidDataException)
        {
            throw ApiException.BadRequest("the body is not what its Content-Encoding says: expected gzip");
        }

        return bytes.ToArray();
    }

    private static async Task<byte[]> ReadBytesAsync(HttpRequest request, long maxBytes, CancellationToken cancellation)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellation);
            if (read.Buffer.Length > maxBytes)
            {
                throw TooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8))
        {
            bytes = bytes["\uFEFF"u8.Length..];
        }

        if (bytes.Length == 0)
        {
            throw ApiException.BadRequest("the body is empty: expected a JSON object");
        }

        if (!Utf8.IsValid(bytes.Span))
        {
            throw ApiException.BadRequest("the body is not UTF-8");
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes, _options);
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"the body is not JSON{Reason(e, bytes)}");
        }
        catch (InvalidOperationException)
        {
            // Names are compared as text, and one of them is none.
            throw NotUnicode("a field's name");
        }

        if (JsonUnicode.FindFault(bytes.Span) is { } place)
        {
            document.Dispose();
            throw NotUnicode(place);
        }

        return document;
    }

    private static string Reason(JsonException e, ReadOnlyMemory<byte> bytes)
    {
        if (e.LineNumber is null)
        {
            return " in which each name of an object stands once";
        }

        return IsDeep(bytes.Span) ? $" of at most {MaxDepth} levels {JsonFile.PlaceOf(e)}" : $" {JsonFile.PlaceOf(e)}";
    }

    /// <summary>Whether brackets are nested too deeply before anything else is wrong.</summary>
    private static bool IsDeep(ReadOnlySpan<byte> bytes)
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth + 1 });
        try
        {
            while (reader.Read())
            {
                if (
                    reader.CurrentDepth == MaxDepth
                    && reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray
                )
                {
                    return true;
                }
            }
        }
        catch (JsonException)
        {
            // Something else.
        }

        return false;
    }

    private static ApiException NotUnicode(string place) =>
        ApiException.BadRequest(
            $"{place}: expected Unicode text, found {JsonUnicode.Found}",
            place.Contains(' ') ? null : place,
            "invalid_value"
        );

    private static string Shown(string text) => text.Length <= 64 ? text : text[..61] + "...";

    private static ApiException TooLarge(long maxBytes) =>
        ApiException.TooLarge($"the body is longer than {maxBytes} bytes (--max-body-bytes)");
}
