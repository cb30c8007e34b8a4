using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Checkpoints;

/// <summary>
/// The weights of a Hugging Face model folder, in one safetensors file or in shards with an index. A shard is opened
/// when a tensor of it is first asked for, so a stage opens, and needs on its disk, only the shards of its own layers.
/// Exit-head folders are read by the same class. Safe for many threads; disposing ends the use of all its tensors.
/// </summary>
public sealed class Checkpoint : IDisposable
{
    private const string SingleFileName = "model.safetensors";
    private const string IndexFileName = "model.safetensors.index.json";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SafetensorsFile> _openShards = new(StringComparer.Ordinal);
    private readonly FrozenDictionary<string, string> _shardByTensor;
    private readonly string _listingPath;
    private bool _disposed;

    private Checkpoint(string folder, FrozenDictionary<string, string> shardByTensor, string listingPath)
    {
        Folder = folder;
        _shardByTensor = shardByTensor;
        _listingPath = listingPath;
    }

    /// <summary>The folder it was opened with.</summary>
    public string Folder { get; }

    /// <summary>The names of all tensors, in no particular order.</summary>
    public IReadOnlyCollection<string> TensorNames => _shardByTensor.Keys;

    /// <summary>The names of the files opened so far.</summary>
    public IReadOnlyCollection<string> OpenShards
    {
        get
        {
            lock (_gate)
            {
                return [.. _openShards.Keys];
            }
        }
    }

    /// <summary>
    /// Opens a folder. A <c>model.safetensors</c> is opened and checked at once; else an index is read and its shards
    /// are left alone. Where both are there the single file counts, as it does in transformers.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// The folder is missing or holds no safetensors checkpoint, or the file or index is not sound.
    /// </exception>
    public static Checkpoint Open(string folder)
    {
        var single = Path.Combine(folder, SingleFileName);
        if (File.Exists(single))
        {
            var file = SafetensorsFile.Open(single);
            var names = file.Entries.ToFrozenDictionary(
                entry => entry.Name,
                _ => SingleFileName,
                StringComparer.Ordinal
            );
            var checkpoint = new Checkpoint(folder, names, single);
            checkpoint._openShards.Add(SingleFileName, file);
            return checkpoint;
        }

        var index = Path.Combine(folder, IndexFileName);
        return File.Exists(index) ? new(folder, CheckpointIndex.Read(index), index) : throw NoCheckpoint(folder);
    }

    /// <summary>
    /// The names of all tensors of a folder; null when it holds no checkpoint that can be read, which <see cref="Open"/> then
    /// says better.
    /// </summary>
    internal static IReadOnlySet<string>? ListTensors(string folder)
    {
        var single = Path.Combine(folder, SingleFileName);
        var index = Path.Combine(folder, IndexFileName);
        try
        {
            return File.Exists(single) ? SafetensorsHeader.Read(single).Entries.Select(entry => entry.Name).ToHashSet()
                : File.Exists(index) ? CheckpointIndex.Read(index).Keys.ToHashSet()
                : null;
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    /// <summary>Finds a weight and checks its shape. Opens the shard that holds it.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="expectedShape">The dimensions it must have; none at all accepts any shape.</param>
    /// <exception cref="CheckpointException">
    /// The tensor is missing, its shape or element type is another, or its shard is missing or not sound.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was disposed.</exception>
    public Tensor Require(string name, params ReadOnlySpan<long> expectedShape)
    {
        if (!TryGet(name, out var tensor))
        {
            throw CheckpointException.Mismatch(
                _listingPath,
                $"tensor '{name}'",
                expectedShape.IsEmpty ? "to be listed" : $"a tensor of shape {TensorShape.Format(expectedShape)}",
                $"{_shardByTensor.Count} others: {CheckpointFiles.Summarize(SortedNames())}"
            );
        }

        if (!expectedShape.IsEmpty && !tensor.Shape.AsSpan().SequenceEqual(expectedShape))
        {
            throw CheckpointException.Mismatch(
                tensor.File,
                $"tensor '{name}'",
                $"shape {TensorShape.Format(expectedShape)}",
                TensorShape.Format(tensor.Shape.AsSpan())
            );
        }

        return tensor;
    }

    /// <summary>
    /// Finds a weight; false when neither the file nor the index lists it. Opens the shard that holds it.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// It is listed, but its element type is not one of weights, or its shard is missing, not sound or without it.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The checkpoint was disposed.</exception>
    public bool TryGet(string name, [NotNullWhen(true)] out Tensor? tensor)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        tensor = null;
        if (!_shardByTensor.TryGetValue(name, out var shardName))
        {
            return false;
        }

        var shard = OpenShard(shardName, name);
        if (!shard.TryGetEntry(name, out var entry))
        {
            throw NotInShard(shard.Path, name);
        }

        if (entry.ElementType is not { } elementType || !elementType.IsFloatingPoint())
        {
            throw CheckpointException.Mismatch(shard.Path, $"tensor '{name}'", "dtype BF16, F16 or F32", entry.Dtype);
        }

        return shard.TryGet(name, out tensor);
    }

    /// <summary>
    /// Header entries of all tensors, in ordinal order of the names. Reads the headers of all shards and no weights;
    /// opens nothing for good.
    /// </summary>
    /// <exception cref="CheckpointException">
    /// A shard is missing, not sound, or without a tensor the index lists.
    /// </exception>
    public IReadOnlyList<TensorEntry> ReadEntries()
    {
        var entries = new List<TensorEntry>(_shardByTensor.Count);
        foreach (var shard in _shardByTensor.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal))
        {
            var path = RequireShard(shard.Key, shard.First());
            var header = SafetensorsHeader.Read(path).Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
            foreach (var name in shard)
            {
                entries.Add(header.TryGetValue(name, out var entry) ? entry : throw NotInShard(path, name));
            }
        }

        entries.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }

    /// <summary>Counts parameters and bytes from the headers of all shards. Reads no weights.</summary>
    /// <exception cref="CheckpointException">
    /// A shard is missing, not sound, or without a tensor the index lists.
    /// </exception>
    public CheckpointSummary Summarize() => CheckpointSummary.Of(ReadEntries());

    /// <summary>Closes all shards. Pointers and spans of their tensors must not be used any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var shard in _openShards.Values)
            {
                shard.Dispose();
            }

            _openShards.Clear();
        }
    }

    private static CheckpointException NoCheckpoint(string folder)
    {
        var found = CheckpointFiles.List(folder).Select(path => Path.GetFileName(path)).ToArray();
        var isPickled = Array.Exists(found, name => name.StartsWith("pytorch_model", StringComparison.Ordinal));
        var reason = isPickled ? "; only safetensors are read" : "";
        return CheckpointException.Mismatch(
            folder,
            "weights",
            $"{SingleFileName} or {IndexFileName}",
            CheckpointFiles.Summarize(found) + reason
        );
    }

    private SafetensorsFile OpenShard(string shardName, string tensorName)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_openShards.TryGetValue(shardName, out var shard))
            {
                shard = SafetensorsFile.Open(RequireShard(shardName, tensorName));
                _openShards.Add(shardName, shard);
            }

            return shard;
        }
    }

    private string RequireShard(string shardName, string tensorName)
    {
        var path = Path.Combine(Folder, shardName);
        return File.Exists(path)
            ? path
            : throw CheckpointException.Mismatch(
                _listingPath,
                $"tensor '{tensorName}'",
                $"the file {shardName} beside the index",
                "no such file"
            );
    }

    private CheckpointException NotInShard(string path, string tensorName) =>
        CheckpointException.Mismatch(
            path,
            $"tensor '{tensorName}'",
            $"to be in this file as {Path.GetFileName(_listingPath)} says",
            "no such tensor"
        );

    private string[] SortedNames() => [.. _shardByTensor.Keys.Order(StringComparer.Ordinal)];
}
