using System.Text.Json.Serialization;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Responses;

/// <summary>An error as OpenAI shapes it.</summary>
/// <param name="Error">What went wrong.</param>
internal sealed record ErrorBody(ErrorDetail Error)
{
    /// <summary>The body of an error.</summary>
    public static ErrorBody Of(ApiException error) =>
        new(new ErrorDetail(error.Message, error.Type, error.Param, error.Code));
}

/// <summary>What went wrong.</summary>
/// <param name="Message">One line for people.</param>
/// <param name="Type">Class of the error.</param>
/// <param name="Param">Field at fault, if it is one.</param>
/// <param name="Code">What is wrong, for programs.</param>
internal sealed record ErrorDetail(
    string Message,
    string Type,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Code
);
