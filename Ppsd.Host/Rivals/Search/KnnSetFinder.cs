using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals.Knn;

namespace Ppsd.Host.Rivals.Search;

/// <summary>Prompts of a task.</summary>
internal sealed record KnnPrompts(string Name, IReadOnlyList<int[]> Prompts);

/// <summary>
/// Finds the sublayers to skip for each task by decoding its first prompts with one set after another, and the points that
/// stand for its prompts.
/// </summary>
/// <param name="loader">Loads the model; its texts are as long as the longest prompt and <see cref="Tokens"/>.</param>
/// <param name="trials">Sets tried for each task.</param>
/// <param name="seed">Key of what is drawn.</param>
internal sealed class KnnSetFinder(RivalLoader loader, ModelAssets assets, int trials, int seed)
{
    /// <summary>Tokens generated of each prompt when a set is measured.</summary>
    public const int Tokens = 32;

    private const int MeasuredPrompts = 8;
    private const int AnchorsPerTask = 10;

    private IReadOnlyList<bool> _skipped = [];
    private float[] _feature = [];

    /// <summary>Finds them.</summary>
    /// <param name="report">Told each task's outcome.</param>
    /// <param name="cancellation">Gives up between two sets.</param>
    public KnnSets Find(IReadOnlyList<KnnPrompts> tasks, Action<string> report, CancellationToken cancellation)
    {
        using var plain = loader.LoadPlain();
        using var decoder = loader.LoadSkipping(feature =>
        {
            _feature = feature;
            return _skipped;
        });
        return new KnnSets
        {
            Model = assets.Name,
            Fingerprint = assets.Fingerprint,
            Tasks = [.. tasks.Select(task => Find(task, plain, decoder, report, cancellation))],
        };
    }

    private KnnTask Find(
        KnnPrompts task,
        BlockDecoder plain,
        BlockDecoder decoder,
        Action<string> report,
        CancellationToken cancellation
    )
    {
        var random = new Random(seed);
        var sublayers = 2 * assets.Config.LayerCount;
        _skipped = new bool[sublayers];
        Speed(plain, task);
        Speed(decoder, task);
        var plainSpeed = Speed(plain, task);
        var search = new SetSearch(sublayers, random);
        search.Run(
            EverySecondAttention(sublayers),
            trials,
            set =>
            {
                cancellation.ThrowIfCancellationRequested();
                _skipped = set;
                return Speed(decoder, task);
            }
        );
        var (best, speed) = search.Best;
        var features = task.Prompts.Select(prompt => FeatureOf(decoder, prompt, cancellation)).ToList();
        report(
            FormattableString.Invariant(
                $"{task.Name}: skips {best.Count(skips => skips)} of {sublayers} sublayers, {speed:N0} tokens/s in the search, {plainSpeed:N0} without drafts; {task.Prompts.Count} prompts"
            )
        );
        return new KnnTask(task.Name, best, KMeans.Find(features, AnchorsPerTask, random), speed, plainSpeed);
    }

    /// <summary>Where the search begins: attention of every second layer, the first and the last left alone.</summary>
    private static bool[] EverySecondAttention(int sublayers) =>
        [.. Enumerable.Range(0, sublayers).Select(i => i % 4 == 2 && i < sublayers - 2)];

    private double Speed(BlockDecoder decoder, KnnPrompts task)
    {
        var stats = task.Prompts.Take(MeasuredPrompts).Select(prompt => Decode(decoder, prompt, Tokens)).ToList();
        return stats.Sum(text => text.GeneratedTokens - 1) * 1000 / stats.Sum(text => text.DecodeMs);
    }

    private float[] FeatureOf(BlockDecoder decoder, int[] prompt, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Decode(decoder, prompt, tokens: 1);
        return _feature;
    }

    private SessionStats Decode(BlockDecoder decoder, int[] prompt, int tokens)
    {
        var request = TextGenerator.Request(
            assets,
            prompt,
            new GenerationSettings
            {
                Drafts = DraftSources.None,
                Sampling = SamplingSettings.Greedy,
                MaxTokens = tokens,
                IgnoreEndTokens = true,
            }
        );
        return decoder.Decode(request, () => false).OfType<GenerationEnded>().Single().Stats;
    }
}
