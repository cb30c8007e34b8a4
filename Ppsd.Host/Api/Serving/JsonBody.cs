using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Serving;

/// <summary>Reads a request's body as JSON, of bounded length and depth.</summary>
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
            throw ApiException.NotJson(
                $"expected Content-Type: application/json, found {(request.ContentType is { Length: > 0 and <= 100 } type ? $"'{type}'" : "none")}"
            );
        }

        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        return Parse(await ReadBytesAsync(request, maxBytes, cancellation));
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

    private static JsonDocument Parse(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            throw ApiException.BadRequest("the body is empty: expected a JSON object");
        }

        if (!Utf8.IsValid(bytes))
        {
            throw ApiException.BadRequest("the body is not UTF-8");
        }

        try
        {
            return JsonDocument.Parse(bytes, _options);
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"the body is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // Names are compared as text, and this one is not valid text.
            throw ApiException.BadRequest("a field's name is not valid Unicode text: half of a surrogate pair");
        }
    }

    private static ApiException TooLarge(long maxBytes) =>
        ApiException.TooLarge($"the body is longer than {maxBytes} bytes (--max-body-bytes)");
}
