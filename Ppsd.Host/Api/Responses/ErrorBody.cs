using System.Text.Json;
using System.Text.Json.Serialization;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Responses;

/// <summary>An error as OpenAI shapes it.</summary>
/// <param name="Error">What went wrong.</param>
internal sealed record ErrorBody(ErrorDetail Error)
{
    /// <summary>An error as JSON.</summary>
    public static byte[] JsonOf(ApiException error) =>
        JsonSerializer.SerializeToUtf8Bytes(Of(error), ApiJson.Plain.ErrorBody);

    /// <summary>The body of an error.</summary>
    public static ErrorBody Of(ApiException error) =>
        new(new ErrorDetail(error.Message, error.Type, error.Param, error.Code));
}

/// <summary>What went wrong.</summary>
/// <param name="Message">One line for people.</param>
/// <param name="Type">Class of the error.</param>
/// <param name="Param">Name of the invalid field; null if none.</param>
/// <param name="Code">Machine-readable code of the error.</param>
internal sealed record ErrorDetail(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code
);
