namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>A text to learn from.</summary>
/// <param name="Tokens">Its tokens, prompt and answers.</param>
/// <param name="IsAnswer">For each token, whether predicting it counts in the loss.</param>
public sealed record TrainingSequence(int[] Tokens, bool[] IsAnswer)
{
    /// <summary>Tokens.</summary>
    public int Length => Tokens.Length;

    /// <summary>Tokens whose prediction counts; the first token of a text is predicted from nothing and never counts.</summary>
    public int AnswerTokens { get; } = IsAnswer.Skip(1).Count(isAnswer => isAnswer);

    /// <summary>A prompt with its answer.</summary>
    public static TrainingSequence Of(ReadOnlySpan<int> prompt, ReadOnlySpan<int> answer)
    {
        var isAnswer = new bool[prompt.Length + answer.Length];
        isAnswer.AsSpan(prompt.Length).Fill(true);
        return new TrainingSequence([.. prompt, .. answer], isAnswer);
    }

    /// <summary>The first <paramref name="length"/> tokens, or the whole text where it is shorter.</summary>
    public TrainingSequence Truncate(int length) =>
        Length <= length ? this : new TrainingSequence(Tokens[..length], IsAnswer[..length]);
}
