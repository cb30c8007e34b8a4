using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Model;

/// <summary>Draws the likeliest tokens after a row on the host, from one row of logits.</summary>
/// <param name="logits">[vocabSize].</param>
/// <param name="row">The step's row.</param>
/// <param name="chained">Tokens drafted behind it; the draw stands behind those.</param>
/// <param name="drafts">Receives the tokens, the best first.</param>
/// <returns>Number of tokens written.</returns>
internal delegate int HostDraw(ReadOnlySpan<float> logits, int row, ReadOnlySpan<int> chained, Span<DraftToken> drafts);

/// <summary>
/// Runs an exit head on the rows of a step and reads what it drafted, drawn by the device or the host. Used by the stage's
/// thread.
/// </summary>
internal sealed class HeadDrafts : IDisposable
{
    /// <summary>
    /// Fewest tokens drawn of a chain's step: what is drawn alone has no log probability, and proposals of a chain are ranked
    /// by that of their whole path.
    /// </summary>
    private const int FewestOfChain = 2;

    private readonly Backend _backend;
    private readonly ExitHead _head;
    private readonly int _place;
    private readonly StepBatch _batch;
    private readonly ChainRows? _chain;
    private readonly HostDraw _draw;
    private readonly int _maxLength;
    private readonly Action _run;
    private readonly Action _runBehind;
    private readonly Func<int, bool>? _drawOnHost;
    private readonly Func<bool>? _isCancelled;
    private readonly DraftToken[] _drawn;
    private readonly int[] _drawnCounts;
    private readonly int[] _chained;
    private int _depth;
    private bool _isChainReady;
    private bool _hasGivenTokens;
    private bool _isQueued;

    /// <summary>Takes ownership of the head.</summary>
    /// <param name="place">Its place among the stage's heads.</param>
    /// <param name="rotary">The stage's table.</param>
    /// <param name="batch">The stage's steps.</param>
    /// <param name="limits">Sizes.</param>
    /// <param name="draw">How tokens are drawn on the host.</param>
    /// <param name="isCancelled">
    /// Asked behind a chain's first step: then nobody wants what the step at hand drafts, and the chain ends. Null where another head's
    /// work follows the chain's, since a device cuts off all that is queued.
    /// </param>
    public HeadDrafts(
        Backend backend,
        ExitHead head,
        int place,
        RotaryMemory rotary,
        StepBatch batch,
        StageLimits limits,
        HostDraw draw,
        Func<bool>? isCancelled = null
    )
    {
        _backend = backend;
        _head = head;
        _place = place;
        _batch = batch;
        _draw = draw;
        _isCancelled = isCancelled;
        _maxLength = limits.MaxLength;
        _chain = head.MaxDepth > 1 ? new ChainRows(limits) : null;
        _drawOnHost = head.MaxDepth > 1 && head.Logits(0).Draws is null ? DrawStep : null;
        _drawn = new DraftToken[limits.MaxWidth * head.MaxDepth * TokenDraws.MaxDrafts];
        _drawnCounts = new int[limits.MaxWidth * head.MaxDepth];
        _chained = new int[limits.MaxWidth * head.MaxDepth];
        _run = () => head.Forward(rotary, Rows());
        _runBehind = () => head.ForwardBehind(rotary, Rows());
    }

    /// <summary>Steps the head can draft ahead of a row.</summary>
    public int MaxDepth => _head.MaxDepth;

    /// <summary>First row that was drafted from.</summary>
    public int FirstRow { get; private set; }

    private int DraftRows => _batch.RowCount - FirstRow;

    /// <summary>Slot for the keys and values of a token that has not entered; of a chain only.</summary>
    public int SlotBehind => _chain!.SlotOf(0);

    /// <summary>Number of tokens to draw at once for a session that requests <paramref name="width"/>.</summary>
    public int Draws(int width) =>
        Math.Min(MaxDepth > 1 ? Math.Max(width, FewestOfChain) : width, TokenDraws.MaxDrafts);

    /// <summary>A step begins: nothing is drafted of it yet.</summary>
    public void BeginStep()
    {
        _isQueued = false;
        _isChainReady = false;
    }

    /// <summary>Keeps what the head reads.</summary>
    public void Tap(Activations hidden, int rows) => _head.Tap(hidden, rows);

    /// <summary>Makes what <see cref="Queue"/> needs known to the device.</summary>
    public void Prepare(int firstRow, int depth)
    {
        FirstRow = firstRow;
        _depth = Math.Clamp(depth, 1, MaxDepth);
        _hasGivenTokens = false;
        BeginChain([]);
        _isChainReady = true;
    }

    /// <summary>Queues the head, unless it is queued already.</summary>
    public void Queue(int firstRow, int depth)
    {
        depth = Math.Clamp(depth, 1, MaxDepth);
        if (_isQueued && FirstRow == firstRow && _depth == depth)
        {
            return;
        }

        RequireFirst();
        if (!_isChainReady || FirstRow != firstRow || _depth != depth)
        {
            Prepare(firstRow, depth);
        }

        _isChainReady = false;
        _isQueued = true;
        if (_head.HasWork(_batch.RowCount, firstRow))
        {
            _backend.Run(StepPart.ExitHead, firstRow, _run, _depth, _place);
            Expect();
        }
    }

    /// <summary>Queues a chain behind the token that is the step's only row and has not entered.</summary>
    public void QueueBehind(int depth)
    {
        RequireFirst();
        Prepare(0, depth);
        _isChainReady = false;
        _isQueued = true;
        _backend.Run(StepPart.DraftBehind, 0, _runBehind, _depth, _place);
        Expect();
    }

    /// <summary>
    /// Runs the chain on tokens that are given, [rows, depth - 1], and not on its own; only logits can be read then.
    /// </summary>
    public void RunGiven(int firstRow, int depth, ReadOnlySpan<int> given)
    {
        RequireFirst();
        FirstRow = firstRow;
        _depth = depth;
        _hasGivenTokens = true;
        _isChainReady = false;
        _isQueued = true;
        BeginChain(given);

        // No recording holds a chain of tokens that are given.
        _run();
        Expect();
    }

    /// <summary>The best tokens of a step of what was drafted from a row.</summary>
    public int Read(int row, int step, Span<DraftToken> drafts, bool changesLogits)
    {
        var index = row - FirstRow;
        if (_batch.Positions[row] + 1 + step >= _maxLength)
        {
            return 0;
        }

        var logits = _head.Logits(step);

        // With its first step's tokens the head's caches hold the step's rows, which may be verified though what follows them is dead.
        var count = logits.ReadDraws(index, drafts, step > 0 ? _isCancelled : null);
        if (count != 0)
        {
            return Math.Max(0, count);
        }

        if (logits.Draws is not null && step > 0 && changesLogits)
        {
            // The device's chain went on from no token of this session's: its first one is the host's.
            return 0;
        }

        var at = index * MaxDepth + step;
        if (_drawOnHost is not null && step < _depth - 1)
        {
            count = Math.Min(_drawnCounts[at], drafts.Length);
            _drawn.AsSpan(at * TokenDraws.MaxDrafts, count).CopyTo(drafts);
            return count;
        }

        if (_drawOnHost is not null && IsBroken(index, step))
        {
            return 0;
        }

        if (MaxDepth == 1 || drafts.Length >= FewestOfChain)
        {
            return _draw(logits.Logits(index), row, Chained(index, step), drafts);
        }

        Span<DraftToken> several = stackalloc DraftToken[FewestOfChain];
        count = Math.Min(_draw(logits.Logits(index), row, Chained(index, step), several), drafts.Length);
        several[..count].CopyTo(drafts);
        return count;
    }

    /// <summary>Logits of a step of what was drafted from a row, [vocabSize].</summary>
    public ReadOnlySpan<float> Logits(int row, int step) => _head.Logits(step).Logits(row - FirstRow);

    public void Dispose() => _head.Dispose();

    /// <summary>A head changes the hidden states it was given, so it can run on a step once.</summary>
    private void RequireFirst()
    {
        if (_isQueued)
        {
            throw new InvalidOperationException("the exit head has run on this step");
        }
    }

    private HeadRun Rows() =>
        new(_batch.RowCount, FirstRow, _depth, _hasGivenTokens ? null : _drawOnHost, _hasGivenTokens);

    private void BeginChain(ReadOnlySpan<int> given)
    {
        if (_depth > 1 && DraftRows > 0)
        {
            _backend.BeginChain(_chain!.Build(_batch, FirstRow, _depth, given));
        }
    }

    private void Expect()
    {
        for (var step = 0; step < _depth && DraftRows > 0; step++)
        {
            _head.Logits(step).Expect(DraftRows);
        }
    }

    /// <summary>Draws a step's tokens of all rows, and gives the best to the rows of the next step; false when none is wanted.</summary>
    private bool DrawStep(int step)
    {
        if (_isCancelled?.Invoke() == true)
        {
            for (var index = 0; index < DraftRows; index++)
            {
                _drawnCounts.AsSpan(index * MaxDepth + step, MaxDepth - step).Clear();
            }

            return false;
        }

        var logits = _head.Logits(step);
        for (var index = 0; index < DraftRows; index++)
        {
            var at = index * MaxDepth + step;
            var row = FirstRow + index;
            var drafts = _drawn.AsSpan(at * TokenDraws.MaxDrafts, TokenDraws.MaxDrafts);
            _drawnCounts[at] = IsBroken(index, step)
                ? 0
                : _draw(logits.Logits(index), row, Chained(index, step), drafts[..Draws(_batch.Draws[row].Width)]);

            // Where nothing can be drawn some token takes the place, and what follows is not proposed.
            _chained[at] = _drawnCounts[at] > 0 ? drafts[0].Token : 0;
            _chain!.Step(step + 1).Tokens[index] = _chained[at];
        }

        return true;
    }

    /// <summary>True when nothing could be drawn at the step before.</summary>
    private bool IsBroken(int index, int step) => step > 0 && _drawnCounts[index * MaxDepth + step - 1] == 0;

    private ReadOnlySpan<int> Chained(int index, int step) => _chained.AsSpan(index * MaxDepth, step);
}
