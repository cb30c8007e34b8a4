using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// One safetensors file, memory-mapped read-only: opening it reads the header, and a weight is read from disk when it
/// is first touched. Reading is safe from many threads; disposing must wait for them, because pointers and spans of its
/// tensors are dead from then on. The file must not shrink while it is open. It has no finalizer: a file that is never
/// disposed stays mapped until the process ends, so a pointer cannot die behind its user's back.
/// </summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly SafetensorsHeader _header;
    private readonly FrozenDictionary<string, TensorEntry> _entries;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _data;

    private SafetensorsFile(string path, SafetensorsHeader header, MemoryMappedFile map, MemoryMappedViewAccessor view)
    {
        Path = path;
        _header = header;
        _entries = header.Entries.ToFrozenDictionary(entry => entry.Name, StringComparer.Ordinal);
        _map = map;
        _view = view;

        // The pointer is to the page the view begins in; PointerOffset leads to the view itself.
        byte* page = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref page);
        _data = page + view.PointerOffset + header.DataStart;
    }

    /// <summary>The path it was opened with.</summary>
    public string Path { get; }

    /// <summary>All tensors of the header, in the order of their bytes, those of unreadable types included.</summary>
    public ImmutableArray<TensorEntry> Entries => _header.Entries;

    /// <summary>The free text pairs of the header's <c>__metadata__</c>; empty when there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Where the data part begins in memory.</summary>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    internal byte* Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(_data is null, this);
            return _data;
        }
    }

    /// <summary>Opens a file, checks its whole header and maps it. Reads no weights.</summary>
    /// <exception cref="CheckpointException">
    /// The file is missing, unreadable, truncated, or its header is not sound: bad JSON, a name twice, a shape that
    /// does not fit its bytes, tensors that overlap, leave gaps or lie outside the file.
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        var handle = CheckpointFiles.OpenRead(path, "a safetensors file");
        MemoryMappedFile? map = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            var header = SafetensorsHeader.Read(handle, path);
            map = MemoryMappedFile.CreateFromFile(
                handle,
                mapName: null,
                capacity: 0,
                MemoryMappedFileAccess.Read,
                HandleInheritability.None,
                leaveOpen: false
            );
            view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            return new(path, header, map, view);
        }
        catch (Exception error)
        {
            view?.Dispose();
            map?.Dispose();
            handle.Dispose();
            if (CheckpointFiles.IsFileSystemError(error))
            {
                throw CheckpointFiles.Unreadable(path, error);
            }

            throw;
        }
    }

    /// <summary>Finds a tensor by name; false when the file has none of that name.</summary>
    /// <exception cref="CheckpointException">There is one, of an element type that is not read.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public bool TryGet(string name, [NotNullWhen(true)] out Tensor? tensor)
    {
        if (!TryGetEntry(name, out var entry))
        {
            tensor = null;
            return false;
        }

        var elementType =
            entry.ElementType
            ?? throw CheckpointException.Mismatch(Path, $"tensor '{name}'", "dtype BF16, F16, F32 or I32", entry.Dtype);
        tensor = new(this, entry, elementType);
        return true;
    }

    /// <summary>Finds a tensor by name.</summary>
    /// <exception cref="CheckpointException">There is none of that name, or its element type is not read.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public Tensor Require(string name) =>
        TryGet(name, out var tensor)
            ? tensor
            : throw CheckpointException.Mismatch(
                Path,
                $"tensor '{name}'",
                "to be in this file",
                CheckpointFiles.Summarize([.. _entries.Keys.Order(StringComparer.Ordinal)])
            );

    /// <summary>Finds a tensor's header entry, whatever its element type.</summary>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    internal bool TryGetEntry(string name, [NotNullWhen(true)] out TensorEntry? entry)
    {
        ObjectDisposedException.ThrowIf(_data is null, this);
        return _entries.TryGetValue(name, out entry);
    }

    /// <summary>Unmaps the file. Its tensors' pointers and spans must not be used any more.</summary>
    public void Dispose()
    {
        if (_data is null)
        {
            return;
        }

        _data = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
