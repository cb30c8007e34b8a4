using System.Runtime.InteropServices;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Actors.Stages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>
/// A stage runtime without a device. Its cache holds tokens where a real one holds keys and values; a hidden state is
/// the fingerprint of the whole sequence up to its row, so a stage whose cache disagrees with what the stage before saw
/// throws at once. Keeps a book of pages like the real one.
/// </summary>
internal sealed class ToyRuntime : ISkippingRuntime
{
    public const int PageSize = 4;

    private readonly ToyModel _model;
    private readonly ToyDrafter? _drafter;
    private readonly Dictionary<SessionId, Cache> _caches = [];
    private readonly List<Row> _rows = [];
    private readonly Action<IReadOnlyList<BatchPart>>? _onForward;
    private readonly Action<int>? _onPlace;
    private readonly int _layers;
    private readonly bool _recovers;
    private readonly bool _checksHead;
    private int _usedPages;
    private int _firstHeadRow;
    private int _depth;
    private bool _skips;
    private readonly List<BatchPart> _parts = [];

    public ToyRuntime(
        ToyModel model,
        int stage,
        int stageCount,
        ToyDrafter? drafter = null,
        int pageCount = 1000,
        int layers = 4,
        Action<IReadOnlyList<BatchPart>>? onForward = null,
        int maxRows = 16,
        bool recovers = true,
        int draftDepth = 1,
        int maxWidth = 8,
        bool checksHead = false,
        Action<int>? onPlace = null
    )
    {
        _onPlace = onPlace;
        _checksHead = checksHead;
        _recovers = recovers;
        _model = model;
        _drafter = drafter;
        _onForward = onForward;
        _layers = layers;
        Description = new StageDescription
        {
            FirstLayer = stage * layers,
            LayerCount = layers,
            HasExitHead = drafter is not null,
            HasTargetHead = stage == stageCount - 1,
            Device = "toy",
            PageCount = pageCount,
            PageSize = PageSize,
            MaxLength = 10_000,
            MaxRows = maxRows,
            MaxWidth = maxWidth,
            WeightBytes = 0,
            VocabSize = model.VocabSize,
            HiddenSize = sizeof(long) / sizeof(float),
            DraftDepth = draftDepth,
        };
    }

    public StageDescription Description { get; }

    public int FreePages => Description.PageCount - Volatile.Read(ref _usedPages);

    public int StepsRun { get; private set; }

    public void Open(SessionId session, SessionSettings settings)
    {
        var pages = (settings.ReservedLength + PageSize - 1) / PageSize;
        if (pages > FreePages)
        {
            throw new StageCapacityException($"needs {pages} pages, {FreePages} are free");
        }

        _usedPages += pages;
        _caches.Add(session, new Cache(settings, pages));
    }

    public bool Commit(SessionId session, VerifiedPath path) => _caches[session].Commit(path);

    public bool Rollback(SessionId session, VerifiedPath path) => _caches[session].Rollback(path);

    public void Release(SessionId session)
    {
        if (_caches.Remove(session, out var cache))
        {
            _usedPages -= cache.Pages;
        }
    }

    public int CountHeld(SessionId session, ReadOnlySpan<TokenId> text) =>
        _caches[session].Committed.ToArray().AsSpan().CommonPrefixLength(text);

    public bool TryAdopt(SessionId earlier, SessionId session, int length, SessionSettings settings)
    {
        var cache = _caches[earlier];
        if (cache.Committed.Count() < length)
        {
            return false;
        }

        var pages = Math.Max(cache.Pages, (settings.ReservedLength + PageSize - 1) / PageSize);
        if (pages - cache.Pages > FreePages)
        {
            throw new StageCapacityException($"needs {pages - cache.Pages} more pages, {FreePages} are free");
        }

        _usedPages += pages - cache.Pages;
        _caches.Remove(earlier);
        _caches.Add(session, cache.Adopted(settings, pages, length));
        return true;
    }

    public bool TryRecover() => _recovers;

    public void BeginStep()
    {
        _rows.Clear();
        _parts.Clear();
    }

    public bool TryAppend(BatchPart part)
    {
        var rowsBefore = _rows.Count;
        var cache = _caches[part.Session];
        for (var i = 0; i < part.Count; i++)
        {
            if (!cache.TryAppend(part.Candidates[i], part.Parents[i], part.Tokens[i], i < part.CertainCount))
            {
                _rows.RemoveRange(rowsBefore, _rows.Count - rowsBefore);
                return false;
            }

            _rows.Add(new Row(part.Candidates[i], cache.SequenceTo(part.Candidates[i]), cache));
        }

        _parts.Add(part);
        Assert.That(_rows, Has.Count.LessThanOrEqualTo(Description.MaxRows), "rows of a step");
        return true;
    }

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued)
    {
        onQueued?.Invoke();
        _onForward?.Invoke(_parts);
        _onPlace?.Invoke(_rows.Max(row => row.Sequence.Count) - 1);
        for (var layer = 0; layer < _layers; layer++)
        {
            if (isCancelled())
            {
                return false;
            }
        }

        var seenBefore = MemoryMarshal.Cast<byte, long>(hidden.Span);
        for (var i = 0; i < _rows.Count; i++)
        {
            if (Description.FirstLayer > 0 && seenBefore[i] != Fingerprint(_rows[i].Sequence))
            {
                throw new InvalidOperationException(
                    $"the cache of the stage at layer {Description.FirstLayer} disagrees with the stage before it"
                );
            }

            _rows[i].Cache.Write(_rows[i].Candidate);
        }

        StepsRun++;
        return true;
    }

    public void ReadHidden(Span<byte> target) =>
        MemoryMarshal.AsBytes<long>(_rows.Select(row => Fingerprint(row.Sequence)).ToArray()).CopyTo(target);

    public void RunExitHead(DraftRequest request)
    {
        Assert.That(
            _rows.Count - request.FirstRow,
            Is.LessThanOrEqualTo(Description.MaxWidth),
            "rows of the exit head"
        );
        Assert.That(request.Depth, Is.InRange(1, Description.DraftDepth), "steps of the exit head");
        (_firstHeadRow, _depth) = (request.FirstRow, request.Depth);
        _rows.ForEach(row => row.Cache.EnterHead(row.Candidate));
    }

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts)
    {
        Assert.That(row, Is.GreaterThanOrEqualTo(_firstHeadRow), "a row without logits");
        AssertHeadHolds(_rows[row].Cache, _rows[row].Candidate);
        Draft(_rows[row].Sequence.ToList(), _rows[row].Cache, origin, (0, _depth), width, drafts);
    }

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    )
    {
        BeginStep();
        Assert.That(depth, Is.InRange(1, Description.DraftDepth), "steps behind a token");
        var cache = _caches[session];
        if (cache.Holds(parent))
        {
            AssertHeadHolds(cache, parent);
            Draft([.. cache.SequenceTo(parent), token], cache, parent, (1, depth), width, drafts);
        }
    }

    private void AssertHeadHolds(Cache cache, CandidateId id)
    {
        if (_checksHead)
        {
            cache.AssertHeadHolds(id);
        }
    }

    private void Draft(
        List<TokenId> sequence,
        Cache cache,
        CandidateId origin,
        (int First, int Count) steps,
        int width,
        List<DraftedToken> drafts
    )
    {
        for (var step = steps.First; step < steps.First + steps.Count; step++)
        {
            var truth = _model.Target(sequence, cache.Settings.Sampling);
            var rank = 0;
            foreach (var token in _drafter!(sequence, truth, _model.VocabSize).Take(width))
            {
                drafts.Add(new DraftedToken(origin, token, -0.5f * ++rank, step));
            }

            sequence.Add(drafts[^rank].Token);
        }
    }

    /// <summary>While anything is skipped the target head says what the drafter would.</summary>
    public void Skip(IReadOnlyList<bool>? skipped) => _skips = skipped is not null;

    public TokenId[] Verify(int firstRow) =>
        [
            .. _rows
                .Skip(firstRow)
                .Select(row =>
                {
                    var target = _model.Target(row.Sequence, row.Cache.Settings.Sampling);
                    return _skips ? _drafter!(row.Sequence, target, _model.VocabSize)[0] : target;
                }),
        ];

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount)
    {
        var distribution = _model.Distribution(_rows[row].Sequence);
        return new TokenLogprobs(
            (float)Math.Log(distribution[token.Value]),
            [
                .. distribution
                    .Select((share, id) => new TokenLogprob(new TokenId(id), (float)Math.Log(share)))
                    .OrderByDescending(share => share.Logprob)
                    .Take(topCount),
            ]
        );
    }

    public void Dispose() { }

    private static long Fingerprint(IReadOnlyList<TokenId> sequence)
    {
        var hash = 1469598103934665603L;
        foreach (var token in sequence)
        {
            hash = unchecked((hash ^ token.Value) * 1099511628211L);
        }

        return hash;
    }

    private sealed record Row(CandidateId Candidate, List<TokenId> Sequence, Cache Cache);

    /// <summary>The sequence's cells by candidate, written the plainest way: no slots, no reuse.</summary>
    private sealed class Cache(SessionSettings settings, int pages)
    {
        private readonly Dictionary<CandidateId, Cell> _cells = [];
        private CandidateId _committed = CandidateId.Root;
        private readonly List<CandidateId> _path = [];

        public SessionSettings Settings { get; } = settings;

        public int Pages { get; } = pages;

        public IEnumerable<TokenId> Committed => _path.Select(id => _cells[id].Token);

        public bool Holds(CandidateId id) => PathTo(id) is not null;

        /// <summary>The first committed tokens, numbered by position, with what was written of them.</summary>
        public Cache Adopted(SessionSettings settings, int pages, int length)
        {
            var adopted = new Cache(settings, pages) { _committed = new CandidateId(length - 1) };
            for (var position = 0; position < length; position++)
            {
                var cell = _cells[_path[position]];
                adopted._path.Add(new CandidateId(position));
                adopted._cells.Add(
                    new CandidateId(position),
                    new Cell(new CandidateId(position - 1), cell.Token)
                    {
                        IsWritten = cell.IsWritten,
                        IsInHead = cell.IsInHead,
                    }
                );
            }

            return adopted;
        }

        public bool TryAppend(CandidateId id, CandidateId parent, TokenId token, bool isCertain)
        {
            if (parent != CandidateId.Root && !_cells.ContainsKey(parent))
            {
                return false;
            }

            if (_cells.Count + 1 > Settings.ReservedLength)
            {
                throw new StageCapacityException($"more than {Settings.ReservedLength} tokens");
            }

            _cells.Add(id, new Cell(parent, token));
            if (isCertain && parent == _committed)
            {
                _path.Add(id);
                _committed = id;
            }

            return true;
        }

        public bool Commit(VerifiedPath path)
        {
            if (path.Length <= _path.Count)
            {
                return path.Length < _path.Count || path.Head == _committed;
            }

            if (PathTo(path.Head) is not { } ids || ids.Count != path.Length)
            {
                return false;
            }

            _path.Clear();
            _path.AddRange(ids);
            _committed = path.Head;
            foreach (var id in _cells.Keys.Where(id => !Descends(id) && !_path.Contains(id)).ToList())
            {
                _cells.Remove(id);
            }

            return true;
        }

        public bool Rollback(VerifiedPath path)
        {
            if (path.Length > _path.Count && !Commit(path))
            {
                return false;
            }

            // Committed tokens are the true ones, whatever id they entered under; a restart gave some a new one.
            _path.RemoveRange(path.Length, _path.Count - path.Length);
            foreach (var id in _cells.Keys.Where(id => !_path.Contains(id)).ToList())
            {
                _cells.Remove(id);
            }

            _committed = path.Head;
            if (_path.Count > 0 && _path[^1] != path.Head)
            {
                throw new InvalidOperationException("the base is not the candidate committed at its position");
            }

            return true;
        }

        /// <summary>A row computes its own cell from its ancestors', which must hold values by now.</summary>
        public void Write(CandidateId id)
        {
            var parent = _cells[id].Parent;
            if (parent != CandidateId.Root && !_cells[parent].IsWritten)
            {
                throw new InvalidOperationException("a row attends to a cell that was never written");
            }

            _cells[id].IsWritten = true;
        }

        /// <summary>The exit head has run on a row.</summary>
        public void EnterHead(CandidateId id) => _cells[id].IsInHead = true;

        /// <summary>A real head attends to what its caches hold of every ancestor.</summary>
        public void AssertHeadHolds(CandidateId id)
        {
            for (var at = id; at != CandidateId.Root; at = _cells[at].Parent)
            {
                Assert.That(_cells[at].IsInHead, "drafted behind a token that the head's caches lack");
            }
        }

        public List<TokenId> SequenceTo(CandidateId id)
        {
            var sequence = new List<TokenId>();
            for (var at = id; at != CandidateId.Root; at = _cells[at].Parent)
            {
                sequence.Add(_cells[at].Token);
            }

            sequence.Reverse();
            return sequence;
        }

        private List<CandidateId>? PathTo(CandidateId id)
        {
            var ids = new List<CandidateId>();
            for (var at = id; at != CandidateId.Root; at = _cells[at].Parent)
            {
                if (!_cells.ContainsKey(at))
                {
                    return null;
                }

                ids.Add(at);
            }

            ids.Reverse();
            return ids;
        }

        private bool Descends(CandidateId id)
        {
            for (var at = id; at != CandidateId.Root; at = _cells[at].Parent)
            {
                if (at == _committed)
                {
                    return true;
                }

                if (!_cells.ContainsKey(at))
                {
                    return false;
                }
            }

            return false;
        }

        private sealed class Cell(CandidateId parent, TokenId token)
        {
            public CandidateId Parent { get; } = parent;

            public TokenId Token { get; } = token;

            public bool IsWritten { get; set; }

            public bool IsInHead { get; set; }
        }
    }
}
