using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Turns a body into a request for texts.</summary>
internal interface ITextRequestReader
{
    /// <summary>Reads a body.</summary>
    /// <param name="body">The request's body.</param>
    /// <param name="cancellation">Ends the tokenization of a long prompt.</param>
    /// <exception cref="ApiException">It cannot be served in this form; the message names the field.</exception>
    TextRequest Read(JsonElement body, CancellationToken cancellation);
}
