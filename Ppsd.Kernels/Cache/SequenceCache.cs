using System.Runtime.InteropServices;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Cache;

/// <summary>
/// Which KV slots one sequence owns in one stage: a table of committed slots by position, and a tree of uncommitted
/// candidates after them. Append adds a candidate, <see cref="Commit"/> moves a verified path into the table and frees
/// its siblings, <see cref="Rollback"/> forgets everything after it. Knows no values; used by the stage's thread.
/// </summary>
/// <remarks>
/// Slots are per token and not per position: two candidates at one position own different slots, and a freed slot is
/// used again by whatever comes next, so no values are ever copied. Attention reads through the table.
/// </remarks>
internal sealed class SequenceCache
{
    /// <summary>Parent of the first token.</summary>
    public const int Root = -1;

    private readonly KvPagePool _pool;
    private readonly int _maxLength;
    private int[] _pages;
    private readonly Stack<int> _freeSlots = new();
    private readonly List<Candidate> _uncommitted = [];
    private readonly List<int> _path = [];
    private readonly List<int> _tail = [];
    private int[] _table;
    private int[] _tokens;
    private int _committedHead = Root;

    /// <summary>Takes pages for <paramref name="capacity"/> tokens, committed and uncommitted together.</summary>
    /// <param name="pool">Where the pages come from.</param>
    /// <param name="capacity">Tokens.</param>
    /// <param name="maxLength">Positions of the model; tokens past them are refused even when slots are free.</param>
    /// <exception cref="KvCapacityException">The pool has fewer free.</exception>
    public SequenceCache(KvPagePool pool, int capacity, int maxLength)
    {
        _pool = pool;
        _maxLength = maxLength;
        _pages = pool.Rent(capacity);
        var slots = _pages.Length * KvPagePool.PageSize;
        _table = new int[slots];
        _tokens = new int[slots];
        AddSlots(_pages);
    }

    /// <summary>Tokens in the table.</summary>
    public int CommittedLength { get; private set; }

    /// <summary>Candidates after the table.</summary>
    public int UncommittedCount => _uncommitted.Count;

    /// <summary>
    /// Appends a token after <paramref name="parent"/> and adds its row to <paramref name="batch"/>. A certain token
    /// (prompt, correction) goes straight into the table.
    /// </summary>
    /// <param name="id">Id of the candidate, unique within the sequence.</param>
    /// <param name="parent">Id of the candidate before it, or <see cref="Root"/>.</param>
    /// <param name="isCertain">True when it will never be rolled back by a verdict.</param>
    /// <param name="batch">Receives the row.</param>
    /// <returns>False when the parent is not in the cache: an earlier message was lost.</returns>
    /// <exception cref="KvCapacityException">More tokens than the sequence was opened for, or than the model has positions.</exception>
    public bool TryAppend(int id, int parent, int token, bool isCertain, StepBatch batch)
    {
        if (!TryTracePath(parent))
        {
            return false;
        }

        var position = CommittedLength + _path.Count;
        if (position >= _maxLength)
        {
            throw new KvCapacityException($"position {position}: expected at most {_maxLength - 1}, the model's last");
        }

        if (!_freeSlots.TryPop(out var slot))
        {
            throw new KvCapacityException($"KV cache: the sequence was opened for {_table.Length} tokens and is full");
        }

        if (isCertain && _path.Count == 0 && _uncommitted.Count == 0)
        {
            _table[CommittedLength] = slot;
            _tokens[CommittedLength++] = token;
            _committedHead = id;
            batch.Add(token, position, slot, _table, CommittedLength, []);
            return true;
        }

        _uncommitted.Add(new Candidate(id, parent, token, slot));
        batch.Add(token, position, slot, _table, CommittedLength, TailBefore(slot));
        return true;
    }

    /// <summary>
    /// Describes a token after <paramref name="parent"/> that does not enter the cache. Its context begins at the text's
    /// second token, as that of a chain's rows does.
    /// </summary>
    /// <param name="parent">Id of the candidate before it.</param>
    /// <param name="slot">Where its own keys and values go for the while; none of the sequence's.</param>
    /// <param name="batch">Receives the row.</param>
    /// <returns>False when the parent is not in the cache, or the token stands past the model's positions.</returns>
    public bool TryDescribe(int parent, int token, int slot, StepBatch batch)
    {
        if (CommittedLength == 0 || !TryTracePath(parent) || CommittedLength + _path.Count >= _maxLength)
        {
            return false;
        }

        batch.Add(token, CommittedLength + _path.Count, slot, _table, CommittedLength, TailBefore(slot), 1);
        return true;
    }

    /// <summary>
    /// Commits the path to <paramref name="head"/>, the last candidate of the verified path whose keys and values every
    /// stage holds, and frees every candidate that does not descend from it.
    /// </summary>
    /// <param name="head">Candidate the path ends in, or <see cref="Root"/>.</param>
    /// <param name="length">Tokens on the path.</param>
    /// <returns>False when the cache does not hold that path: an earlier message was lost.</returns>
    public bool Commit(int head, int length)
    {
        if (length <= CommittedLength)
        {
            // The table is already that far: certain tokens enter it on arrival.
            return length < CommittedLength || head == _committedHead;
        }

        if (!TryTracePath(head) || CommittedLength + _path.Count != length)
        {
            return false;
        }

        foreach (var index in _path)
        {
            _table[CommittedLength] = _uncommitted[index].Slot;
            _tokens[CommittedLength++] = _uncommitted[index].Token;
        }

        _committedHead = head;
        FreeAllBut(_path, keepDescendantsOf: head);
        return true;
    }

    /// <summary>Commits the path to <paramref name="head"/> and forgets every token after it.</summary>
    /// <returns>False when the cache does not hold that path.</returns>
    public bool Rollback(int head, int length)
    {
        if (length > CommittedLength && !Commit(head, length))
        {
            return false;
        }

        for (var position = CommittedLength - 1; position >= length; position--)
        {
            _freeSlots.Push(_table[position]);
        }

        // A path of that length through the table is the verified one, since only certain tokens got there.
        CommittedLength = length;
        _committedHead = head;
        for (var i = _uncommitted.Count - 1; i >= 0; i--)
        {
            _freeSlots.Push(_uncommitted[i].Slot);
        }

        _uncommitted.Clear();
        return true;
    }

    /// <summary>
    /// Tokens up to and including candidate <paramref name="id"/>, the first <paramref name="promptLength"/> of them the
    /// prompt's, and tokens drafted behind it; <paramref name="tail"/> is scratch.
    /// </summary>
    public TokenHistory HistoryOf(int id, int promptLength, List<int> tail, ReadOnlySpan<int> drafted = default)
    {
        tail.Clear();
        if (!TryTracePath(id))
        {
            throw new InvalidOperationException($"candidate {id} is not in the cache");
        }

        foreach (var index in _path)
        {
            tail.Add(_uncommitted[index].Token);
        }

        tail.AddRange(drafted);
        return new TokenHistory(_tokens.AsSpan(0, CommittedLength), CollectionsMarshal.AsSpan(tail), promptLength);
    }

    /// <summary>Number of tokens that the table's start has in common with a text.</summary>
    public int CountCommitted(ReadOnlySpan<int> text) => _tokens.AsSpan(0, CommittedLength).CommonPrefixLength(text);

    /// <summary>Makes sure that the cache holds that many tokens, committed and uncommitted together; it never shrinks.</summary>
    /// <exception cref="KvCapacityException">The pool has too few pages free; the cache stays as it is.</exception>
    public void Reserve(int capacity)
    {
        var missing = KvPagePool.PagesFor(capacity) - _pages.Length;
        if (missing <= 0)
        {
            return;
        }

        var more = _pool.Rent(missing * KvPagePool.PageSize);
        _pages = [.. _pages, .. more];
        Array.Resize(ref _table, _pages.Length * KvPagePool.PageSize);
        Array.Resize(ref _tokens, _table.Length);
        AddSlots(more);
    }

    /// <summary>Gives the sequence's pages back to the pool; the cache must not be used after.</summary>
    public void Release()
    {
        _pool.Return(_pages);
        _uncommitted.Clear();
        _freeSlots.Clear();
    }

    private void AddSlots(int[] pages)
    {
        for (var page = pages.Length - 1; page >= 0; page--)
        {
            for (var offset = KvPagePool.PageSize - 1; offset >= 0; offset--)
            {
                _freeSlots.Push(pages[page] * KvPagePool.PageSize + offset);
            }
        }
    }

    /// <summary>Slots of the path that was traced, and one behind it; valid until the next call.</summary>
    private ReadOnlySpan<int> TailBefore(int slot)
    {
        CollectionsMarshal.SetCount(_tail, _path.Count + 1);
        var tail = CollectionsMarshal.AsSpan(_tail);
        for (var i = 0; i < _path.Count; i++)
        {
            tail[i] = _uncommitted[_path[i]].Slot;
        }

        tail[^1] = slot;
        return tail;
    }

    /// <summary>Fills <see cref="_path"/> with the uncommitted candidates from the table's end to <paramref name="id"/>.</summary>
    private bool TryTracePath(int id)
    {
        _path.Clear();
        while (id != _committedHead)
        {
            var index = IndexOf(id);
            if (index < 0)
            {
                return false;
            }

            _path.Add(index);
            id = _uncommitted[index].Parent;
        }

        _path.Reverse();
        return true;
    }

    private int IndexOf(int id)
    {
        // Newest first: a parent is nearly always the last candidate appended.
        for (var i = _uncommitted.Count - 1; i >= 0; i--)
        {
            if (_uncommitted[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }

    private void FreeAllBut(List<int> committed, int keepDescendantsOf)
    {
        // Parents precede children in the list, so by the time a candidate is looked at, its parent has been kept or freed.
        var kept = 0;
        for (var i = 0; i < _uncommitted.Count; i++)
        {
            var candidate = _uncommitted[i];
            if (committed.Contains(i))
            {
                continue;
            }

            if (candidate.Parent == keepDescendantsOf || IsAmongFirst(kept, candidate.Parent))
            {
                _uncommitted[kept++] = candidate;
            }
            else
            {
                _freeSlots.Push(candidate.Slot);
            }
        }

        _uncommitted.RemoveRange(kept, _uncommitted.Count - kept);
    }

    private bool IsAmongFirst(int count, int id)
    {
        for (var i = 0; i < count; i++)
        {
            if (_uncommitted[i].Id == id)
            {
                return true;
            }
        }

        return false;
    }

    private readonly record struct Candidate(int Id, int Parent, int Token, int Slot);
}
