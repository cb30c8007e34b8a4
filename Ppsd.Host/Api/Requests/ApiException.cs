using Microsoft.AspNetCore.Http;

namespace Ppsd.Host.Api.Requests;

/// <summary>A request is answered with an error of the OpenAI shape; the message is one line for the client.</summary>
internal sealed class ApiException : Exception
{
    private ApiException(int status, string type, string message, string? param, string? code)
        : base(message.ReplaceLineEndings(" "))
    {
        Status = status;
        Type = type;
        Param = param;
        Code = code;
    }

    /// <summary>HTTP status.</summary>
    public int Status { get; }

    /// <summary>Class of the error, as OpenAI names it.</summary>
    public string Type { get; }

    /// <summary>Name of the invalid field; null if none.</summary>
    public string? Param { get; }

    /// <summary>Machine-readable code; null when the type is enough.</summary>
    public string? Code { get; }

    /// <summary>Seconds after which trying again may help; null when it cannot.</summary>
    public int? RetryAfterSeconds { get; private init; }

    /// <summary>True for a fault of this program, which belongs in its log.</summary>
    public bool IsFault { get; private init; }

    /// <summary>The request can never be served as it is.</summary>
    public static ApiException BadRequest(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", message, param, code);

    /// <summary>The key is missing or wrong.</summary>
    public static ApiException Unauthorized(string message) =>
        new(StatusCodes.Status401Unauthorized, "invalid_request_error", message, null, "invalid_api_key");

    /// <summary>No such thing.</summary>
    public static ApiException NotFound(string message, string? code = null, string? param = null) =>
        new(StatusCodes.Status404NotFound, "invalid_request_error", message, param, code);

    /// <summary>The route exists, but not for this method.</summary>
    public static ApiException MethodNotAllowed(string message) =>
        new(StatusCodes.Status405MethodNotAllowed, "invalid_request_error", message, null, null);

    /// <summary>The body is longer than the server takes.</summary>
    public static ApiException TooLarge(string message) =>
        new(StatusCodes.Status413PayloadTooLarge, "invalid_request_error", message, null, "request_too_large");

    /// <summary>The body is not declared as JSON, or is encoded in a way that the server does not decode.</summary>
    public static ApiException UnsupportedMedia(string message) =>
        new(StatusCodes.Status415UnsupportedMediaType, "invalid_request_error", message, null, null);

    /// <summary>Too many requests wait already.</summary>
    public static ApiException QueueFull(string message) =>
        new(StatusCodes.Status429TooManyRequests, "rate_limit_error", message, null, "queue_full")
        {
            RetryAfterSeconds = 1,
        };

    /// <summary>No pipeline can take the request now.</summary>
    public static ApiException Unavailable(string message) =>
        new(StatusCodes.Status503ServiceUnavailable, "server_error", message, null, "pipeline_unavailable")
        {
            RetryAfterSeconds = 5,
        };

    /// <summary>The pipeline failed to compute the text; the same request is likely to fail again.</summary>
    public static ApiException Failed(string message) =>
        new(StatusCodes.Status500InternalServerError, "server_error", message, null, "generation_failed");

    /// <summary>A fault of this program.</summary>
    public static ApiException Internal(string message) =>
        new(StatusCodes.Status500InternalServerError, "server_error", message, null, null) { IsFault = true };
}
