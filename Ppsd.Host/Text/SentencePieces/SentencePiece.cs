namespace Ppsd.Host.Text.SentencePieces;

/// <summary>One entry of a SentencePiece vocabulary.</summary>
/// <param name="Text">Its spelling, spaces as U+2581.</param>
/// <param name="Score">How early merging makes it: the highest first.</param>
internal readonly record struct SentencePiece(string Text, float Score, SentencePieceKind Kind);
