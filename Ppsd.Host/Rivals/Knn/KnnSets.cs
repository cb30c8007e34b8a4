using System.Text.Json;
using Ppsd.Actors.Speculation.Blocks;
using Ppsd.Host.Models;

namespace Ppsd.Host.Rivals.Knn;

/// <summary>
/// What <c>ppsd knn-sets</c> writes and <c>--decode knn-ssd</c> reads: for each task the sublayers that drafting skips, and
/// the points that stand for its prompts. It belongs to one model, down to the weights.
/// </summary>
internal sealed record KnnSets
{
    private const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { WriteIndented = false };

    /// <summary>Version of this layout.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The model, for people.</summary>
    public required string Model { get; init; }

    /// <summary>Fingerprint of its weights.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The tasks; at least one.</summary>
    public required IReadOnlyList<KnnTask> Tasks { get; init; }

    /// <summary>The set of the task whose nearest point is nearest to a prompt's feature.</summary>
    public IReadOnlyList<bool> Choose(float[] feature)
    {
        var anchors = Tasks.SelectMany(task => task.Anchors.Select(anchor => (task, anchor))).ToList();
        return anchors[NearestAnchor.Find(feature, [.. anchors.Select(pair => pair.anchor)])].task.Skipped;
    }

    /// <summary>Where a model's file lies if no other is named: beside its folder.</summary>
    public static string FileBeside(ModelAssets assets) =>
        Path.TrimEndingDirectorySeparator(assets.Folder) + "-knn-sets.json";

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string path) =>
        UserFiles.WriteAllText("--out", path, JsonSerializer.Serialize(this, _json) + "\n");

    /// <summary>Reads a file of a model's.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or belongs to another model.</exception>
    public static KnnSets Read(string path, ModelAssets assets)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException(
                $"--knn-sets: expected a file of ppsd knn-sets --task NAME=FILE at {path}, found none"
            );
        }

        KnnSets? sets;
        try
        {
            sets = JsonSerializer.Deserialize<KnnSets>(UserFiles.ReadAllBytes("--knn-sets", path), _json);
        }
        catch (JsonException)
        {
            throw Refuse("a file of ppsd knn-sets", "something else");
        }

        var layers = assets.Config.LayerCount;
        return sets switch
        {
            null => throw Refuse("a set of a task", "null"),
            { Format: not CurrentFormat } => throw Refuse($"format {CurrentFormat}", $"{sets.Format}"),
            _ when sets.Fingerprint != assets.Fingerprint => throw Refuse(
                $"the weights {assets.Fingerprint}",
                sets.Fingerprint
            ),
            { Tasks.Count: 0 } => throw Refuse("a task at least", "none"),
            _ when sets.Tasks.Any(task => task.Skipped.Count != 2 * layers) => throw Refuse(
                $"{2 * layers} sublayers in each task",
                "another number"
            ),
            _ when sets.Tasks.Any(task => task.Anchors.Count == 0)
                    || sets.Tasks.SelectMany(task => task.Anchors)
                        .Any(anchor => anchor.Length != assets.Config.HiddenSize) => throw Refuse(
                $"points of {assets.Config.HiddenSize} values in each task",
                "others"
            ),
            _ => sets,
        };

        UserErrorException Refuse(string expected, string found) =>
            new($"--knn-sets: {path}: expected {expected}, found {found}; ppsd knn-sets makes such a file");
    }
}

/// <summary>A task.</summary>
/// <param name="Name">Its name, for people.</param>
/// <param name="Skipped">For each layer whether drafting skips its attention and its feed-forward block, [2 layers].</param>
/// <param name="Anchors">Points that stand for its prompts, [hiddenSize] each.</param>
/// <param name="TokensPerSecond">What the search measured with the set.</param>
/// <param name="PlainTokensPerSecond">What plain decoding gave beside it.</param>
internal sealed record KnnTask(
    string Name,
    IReadOnlyList<bool> Skipped,
    IReadOnlyList<float[]> Anchors,
    double TokensPerSecond,
    double PlainTokensPerSecond
);
