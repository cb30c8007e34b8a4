using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Text;

/// <summary>
/// A model as a text gateway sees it: conversations in, text out. The port of <see cref="TextGatewayActor"/>, which knows
/// no tokenizer. Thread-safe.
/// </summary>
public interface ITextModel
{
    /// <summary>Name of the model.</summary>
    string Name { get; }

    /// <summary>Generates a text: segments as they grow, then how it ended.</summary>
    /// <param name="request">What to generate.</param>
    /// <param name="cancellation">Ends it at every stage.</param>
    /// <returns><see cref="TextEmitted"/>, numbered from 0, and at last one <see cref="TextEnded"/>.</returns>
    /// <exception cref="GenerationException">It was refused or broke off.</exception>
    IAsyncEnumerable<IWireMessage> GenerateAsync(StartText request, CancellationToken cancellation);
}
