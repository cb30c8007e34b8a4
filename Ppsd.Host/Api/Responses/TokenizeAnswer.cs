namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/tokenize</c>.</summary>
/// <param name="Count">Tokens.</param>
/// <param name="MaxModelLen">Positions of a text, prompt included.</param>
/// <param name="Tokens">Their ids.</param>
/// <param name="TokenStrs">Their texts, when asked for.</param>
internal sealed record TokenizeAnswer(int Count, int MaxModelLen, int[] Tokens, string[]? TokenStrs);

/// <summary>Answer of <c>/detokenize</c>.</summary>
internal sealed record DetokenizeAnswer(string Prompt);
