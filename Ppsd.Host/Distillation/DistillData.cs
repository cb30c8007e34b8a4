using Ppsd.Host.Models;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Host.Distillation;

/// <summary>The texts of a run: training data, and prompts for evaluation.</summary>
/// <param name="Training">Texts to learn from, cut to the longest length.</param>
/// <param name="Prompts">Their prompts, each shorter than that length.</param>
/// <param name="EvaluationPrompts">Prompts of texts held out, or of the file given for evaluation.</param>
/// <param name="Length">Length of the longest sequence, at most the length requested.</param>
/// <param name="Description">A description of the data, for the README.</param>
internal sealed record DistillData(
    IReadOnlyList<TrainingSequence> Training,
    IReadOnlyList<int[]> Prompts,
    IReadOnlyList<int[]> EvaluationPrompts,
    int Length,
    string Description
)
{
    /// <summary>Why heads cannot be measured, in one line; null where they can, or where nothing was there to measure on.</summary>
    public string? LacksFigures { get; private init; }

    /// <summary>Sequences of a synthetic model's data.</summary>
    private const int SyntheticSequences = 256;

    /// <summary>Fewest tokens that are left for an answer which the target writes.</summary>
    private const int LeastAnswer = 8;

    /// <summary>Reads and divides the data.</summary>
    /// <exception cref="UserErrorException">There is none, or none of it is usable.</exception>
    public static DistillData Load(DistillSettings settings, ModelAssets assets)
    {
        if (settings.DataPath is null)
        {
            return Synthetic(settings, assets);
        }

        var texts = new DataFile(assets, "--data").Read(settings.DataPath);
        var order = Enumerable.Range(0, texts.Count).ToArray();
        new Random(settings.Seed).Shuffle(order);
        var heldOut = settings.EvaluationPath is null ? Math.Min(settings.HeldOut, texts.Count / 20) : 0;
        var evaluation = settings.EvaluationPath is { } path
            ? new DataFile(assets, "--eval-data").Read(path)
            : [.. order.Take(heldOut).Order().Select(i => texts[i])];
        if (evaluation.Count == 0)
        {
            // With so little data nothing is held out; evaluation then uses the training texts and shows whether the head has learnt them.
            evaluation = texts;
        }

        var training = order.Skip(heldOut).Order().Select(i => texts[i]).ToArray();
        var sequences = training.Select(text => text.Sequence.Truncate(settings.SequenceLength)).ToArray();
        var answers = sequences.Sum(sequence => (long)sequence.AnswerTokens);
        if (answers == 0)
        {
            throw new UserErrorException(
                $"--data: {settings.DataPath}: expected answer tokens, found none within {settings.SequenceLength} tokens of a text (see --sequence-length)"
            );
        }

        var length = sequences.Max(sequence => sequence.Length);
        var prompts = Fitting(training, settings.SequenceLength);
        if (settings.SelfWritten > 0 && prompts.Count == 0)
        {
            throw new UserErrorException(
                $"--self-written: expected prompts to answer within --sequence-length {settings.SequenceLength}, found none{Shortest(training)}"
            );
        }

        List<int[]> measured = [.. Fitting(evaluation, settings.SequenceLength).Take(Math.Max(1, settings.HeldOut))];
        return new DistillData(
            [.. sequences.Where(sequence => sequence.AnswerTokens > 0)],
            prompts,
            measured,
            settings.SelfWritten > 0 || evaluation.Count > 0 ? settings.SequenceLength : length,
            FormattableString.Invariant(
                $"{Path.GetFileName(settings.DataPath)}, {training.Length:N0} texts with {answers:N0} answer tokens"
            )
        )
        {
            LacksFigures =
                measured.Count > 0
                    ? null
                    : $"no figures: no prompt to measure heads on can be answered within --sequence-length {settings.SequenceLength}{Shortest(evaluation)}",
        };
    }

    /// <summary>What the shortest prompt takes, for messages.</summary>
    private static string Shortest(IReadOnlyList<DataText> texts)
    {
        var prompts = texts.Select(text => text.Prompt.Length).Where(length => length > 0).ToArray();
        return prompts.Length == 0
            ? " (all prompts are empty)"
            : FormattableString.Invariant(
                $" (the shortest has {prompts.Min():N0} tokens, and its answer takes at least {LeastAnswer})"
            );
    }

    private static List<int[]> Fitting(IEnumerable<DataText> texts, int length) =>
        [
            .. texts
                .Select(text => text.Prompt)
                .Where(prompt => prompt.Length > 0 && prompt.Length + LeastAnswer <= length),
        ];

    private static DistillData Synthetic(DistillSettings settings, ModelAssets assets)
    {
        var sequences = Enumerable
            .Range(0, SyntheticSequences)
            .Select(i =>
                TrainingSequence.Of([], KeyedPrompt.Create(i, settings.SequenceLength, assets.Config.VocabSize))
            )
            .ToArray();
        return new DistillData(sequences, [], [], settings.SequenceLength, "keyed random tokens");
    }
}
