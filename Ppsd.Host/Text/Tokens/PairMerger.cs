namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// BPE within one word after another: the adjacent pair of the lowest rank merges first, the leftmost among equals,
/// until no pair has a merge. Takes O(n log n) for a word of n symbols and looks at the cancellation token as it goes,
/// because a word may be a whole document. Keeps its memory from word to word; for one thread.
/// </summary>
/// <param name="cancellation">Ends the work with an <see cref="OperationCanceledException"/>.</param>
internal sealed class PairMerger(PairMergeTable table, CancellationToken cancellation)
{
    private const int MergesPerLook = 1 << 12;
    private const int None = -1;

    // A rank and a position in one number: comparing two of them finds the lowest rank, then the leftmost position.
    private readonly PriorityQueue<Candidate, long> _candidates = new();
    private int[] _ids = []; // [symbol]; None once it has merged into the one before
    private int[] _next = []; // [symbol], the symbol after it; the count at the end
    private int[] _previous = []; // [symbol], None at the start

    /// <summary>Adds the ids that <paramref name="symbols"/> merge into to <paramref name="ids"/>.</summary>
    /// <param name="symbols">The word, symbol by symbol, as ids of pieces.</param>
    /// <param name="ids">Receives the result.</param>
    public void Merge(ReadOnlySpan<int> symbols, List<int> ids)
    {
        Start(symbols);
        var count = symbols.Length;
        for (var left = 0; left + 1 < count; left++)
        {
            Propose(left, count);
        }

        for (var merges = 0; _candidates.TryDequeue(out var candidate, out var priority); merges++)
        {
            if (merges % MergesPerLook == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var left = (int)(priority & int.MaxValue);
            var right = _next[left];
            if (_ids[left] != candidate.Left || right >= count || _ids[right] != candidate.Right)
            {
                continue; // one of the two has merged with another symbol since
            }

            _ids[left] = candidate.Merged;
            _ids[right] = None;
            var after = _next[right];
            _next[left] = after;
            if (after < count)
            {
                _previous[after] = left;
            }

            if (_previous[left] != None)
            {
                Propose(_previous[left], count);
            }

            Propose(left, count);
        }

        for (var symbol = 0; symbol < count; symbol = _next[symbol])
        {
            ids.Add(_ids[symbol]);
        }
    }

    private void Start(ReadOnlySpan<int> symbols)
    {
        cancellation.ThrowIfCancellationRequested();
        _candidates.Clear(); // a cancelled word may have left some
        if (_ids.Length < symbols.Length)
        {
            var length = Math.Max(64, symbols.Length);
            (_ids, _next, _previous) = (new int[length], new int[length], new int[length]);
        }

        symbols.CopyTo(_ids);
        for (var i = 0; i < symbols.Length; i++)
        {
            _next[i] = i + 1;
            _previous[i] = i - 1;
        }
    }

    private void Propose(int left, int count)
    {
        var right = _next[left];
        if (right < count && table.TryFind(_ids[left], _ids[right], out var merge))
        {
            var priority = ((long)merge.Rank << 31) | (uint)left;
            _candidates.Enqueue(new Candidate(_ids[left], _ids[right], merge.Merged), priority);
        }
    }

    // The ids that two neighbours had when they were found to merge; out of date when one of them has changed.
    private readonly record struct Candidate(int Left, int Right, int Merged);
}
