using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Rivals;

/// <summary>A head for each exit that a model may be left at, apart from the stages, so that any can draft at any time.</summary>
internal interface ILayerHeads : IDisposable
{
    /// <summary>What an exit's head says behind some rows of one text.</summary>
    /// <param name="exit">The exit, from 0.</param>
    /// <param name="hidden">Hidden states behind it, fp32 [rows, hiddenSize].</param>
    /// <param name="firstPosition">Position of the first row; the others follow.</param>
    /// <param name="sampling">How the text's tokens are drawn; penalties and bias are left out.</param>
    /// <param name="tokens">Receives each row's token.</param>
    /// <param name="confidences">Receives the probability that the head gives it, noise included.</param>
    void Guess(
        int exit,
        ReadOnlySpan<byte> hidden,
        int firstPosition,
        SamplingSettings sampling,
        Span<TokenId> tokens,
        Span<double> confidences
    );
}
