using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Turns a body into a request for a text.</summary>
internal interface ITextRequestReader
{
    /// <summary>Reads a body.</summary>
    /// <exception cref="ApiException">It cannot be served as it is; the message names the field.</exception>
    TextRequest Read(JsonElement body);
}
