namespace Ppsd.Kernels.Cache;

/// <summary>
/// The stage's KV memory as fixed-size pages shared by all sequences (paged attention, Kwon et al. 2023). Counts pages
/// only; the keys and values lie in the layers' <see cref="Devices.KvMemory"/>. Used by the stage's thread;
/// <see cref="FreePages"/> may be read from any.
/// </summary>
internal sealed class KvPagePool
{
    /// <summary>Token slots per page.</summary>
    public const int PageSize = 16;

    private readonly Stack<int> _free;
    private int _freeCount;

    public KvPagePool(int pageCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pageCount, 1);
        PageCount = pageCount;
        _freeCount = pageCount;

        // Low pages first, so that a lone sequence lies in one stretch of memory.
        _free = new Stack<int>(Enumerable.Range(0, pageCount).Reverse());
    }

    /// <summary>Pages in the pool.</summary>
    public int PageCount { get; }

    /// <summary>Pages no sequence holds.</summary>
    public int FreePages => Volatile.Read(ref _freeCount);

    /// <summary>Pages that hold <paramref name="tokens"/> tokens.</summary>
    public static int PagesFor(int tokens) => (tokens + PageSize - 1) / PageSize;

    /// <summary>Takes pages for <paramref name="tokens"/> tokens out of the pool.</summary>
    /// <exception cref="KvCapacityException">Fewer are free.</exception>
    public int[] Rent(int tokens)
    {
        var needed = PagesFor(tokens);
        if (needed > _free.Count)
        {
            throw new KvCapacityException(
                $"KV cache: {tokens} tokens need {needed} pages of {PageSize}, but {_free.Count} of {PageCount} are free"
            );
        }

        var pages = new int[needed];
        for (var i = 0; i < needed; i++)
        {
            pages[i] = _free.Pop();
        }

        Volatile.Write(ref _freeCount, _free.Count);
        return pages;
    }

    /// <summary>Gives pages back.</summary>
    public void Return(ReadOnlySpan<int> pages)
    {
        for (var i = pages.Length - 1; i >= 0; i--)
        {
            _free.Push(pages[i]);
        }

        Volatile.Write(ref _freeCount, _free.Count);
    }
}
