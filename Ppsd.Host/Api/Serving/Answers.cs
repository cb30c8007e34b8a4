using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;

namespace Ppsd.Host.Api.Serving;

/// <summary>Writes whole answers.</summary>
internal static class Answers
{
    /// <summary>Writes an answer as JSON.</summary>
    public static Task WriteAsync<T>(
        HttpResponse response,
        T answer,
        JsonTypeInfo<T> type,
        int status = StatusCodes.Status200OK
    ) => WriteAsync(response, JsonSerializer.SerializeToUtf8Bytes(answer, type), status);

    /// <summary>Writes JSON.</summary>
    public static async Task WriteAsync(HttpResponse response, byte[] json, int status = StatusCodes.Status200OK)
    {
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = json.Length;
        await response.BodyWriter.WriteAsync(json);
    }

    /// <summary>Writes an error.</summary>
    public static Task WriteAsync(HttpResponse response, ApiException error)
    {
        if (error.RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return WriteAsync(response, ErrorBody.JsonOf(error), error.Status);
    }
}
