using Ppsd.Host.Models;
using Ppsd.Kernels.Distillation.SelfWriting;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Distillation;

/// <summary>
/// Texts that the target itself writes, for training and for evaluation: half greedy, half sampled at temperature 1. Each
/// prompt is answered greedily once; more answers of a prompt are sampled with seeds of their own.
/// </summary>
internal sealed class TargetTexts(ModelAssets assets, DistillSettings settings, DistillView view)
{
    private const int Width = 32;

    /// <summary>Longest answer: a model that repeats itself may never stop, and such text is useless for training.</summary>
    private const int MaxAnswerTokens = 256;

    /// <summary>Returns the texts in the order of their requests, and writes those that are missing.</summary>
    /// <param name="what">Their purpose in words, for the progress line.</param>
    /// <param name="file">Where they are kept.</param>
    /// <param name="prompts">Prompts to write answers for.</param>
    /// <param name="count">Number of texts.</param>
    /// <param name="cancellation">Stops; complete texts stay in the file.</param>
    public IReadOnlyList<WrittenText> Ensure(
        string what,
        string file,
        IReadOnlyList<int[]> prompts,
        int count,
        CancellationToken cancellation
    )
    {
        var store = new TextStore(file);
        if (!settings.Resumes)
        {
            store.Clear();
        }

        var requests = Requests(prompts, count);
        var texts = store.Read();
        for (var number = 0; number < count; number++)
        {
            // Texts of other prompts or seeds belong to another run.
            if (texts.TryGetValue(number, out var text) && !Answers(text, requests[number]))
            {
                throw new UserErrorException(
                    $"--resume: {file}: text {number} answers another prompt than this run's data has there"
                );
            }
        }

        var missing = Enumerable.Range(0, count).Where(number => !texts.ContainsKey(number)).ToArray();
        if (missing.Length > 0)
        {
            Write(what, store, requests, missing, texts, cancellation);
        }

        return [.. Enumerable.Range(0, count).Select(number => texts[number])];
    }

    private AnswerRequest[] Requests(IReadOnlyList<int[]> prompts, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(number =>
                {
                    // Pairs: the greedy answer of a prompt, then a sampled one; after the last prompt, sampled ones alone.
                    var isGreedy = number % 2 == 0 && number / 2 < prompts.Count;
                    return new AnswerRequest(
                        prompts[number / 2 % prompts.Count],
                        isGreedy
                            ? new SamplingParameters()
                            : new SamplingParameters
                            {
                                Temperature = 1,
                                Seed = ((ulong)(uint)settings.Seed << 32) | (uint)number,
                            }
                    );
                }),
        ];

    private static bool Answers(WrittenText text, AnswerRequest request) =>
        text.Prompt.AsSpan().SequenceEqual(request.Prompt)
        && text.Temperature == request.Sampling.Temperature
        && text.Seed == request.Sampling.Seed;

    private void Write(
        string what,
        TextStore store,
        AnswerRequest[] requests,
        int[] missing,
        Dictionary<int, WrittenText> texts,
        CancellationToken cancellation
    )
    {
        using var stages = TargetStages.Open(assets, settings, Width);
        var width = Math.Min(Width, stages.FreeKvPages / TargetStages.PagesPerText(settings.SequenceLength));
        var writer = new AnswerWriter(
            stages.Models,
            Math.Max(1, width),
            settings.SequenceLength,
            MaxAnswerTokens,
            [.. assets.EndTokenIds]
        );
        var written = texts.Count;
        foreach (var (index, answer) in writer.Write([.. missing.Select(number => requests[number])], cancellation))
        {
            var request = requests[missing[index]];
            var text = new WrittenText(
                missing[index],
                request.Prompt,
                answer,
                request.Sampling.Temperature,
                request.Sampling.Seed
            );
            texts.Add(text.Number, text);
            store.Add(text);
            view.ReportWriting(what, ++written, requests.Length);
        }

        if (cancellation.IsCancellationRequested)
        {
            DistillView.Note($"kept {written} of {requests.Length} {what}; --resume goes on with the others");
            cancellation.ThrowIfCancellationRequested();
        }
    }
}
