using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Cancels;

/// <summary>A stage runtime whose layers only take time. It notifies a benchmark when work begins and when it is abandoned.</summary>
internal sealed class SpinningRuntime(CancelBenchSettings settings, TimeProvider clock) : IStageRuntime
{
    private SessionWatch? _watch;
    private BatchPart? _part;

    public StageDescription Description { get; } =
        new()
        {
            FirstLayer = 1,
            LayerCount = settings.Layers,
            HasExitHead = false,
            HasTargetHead = false,
            Device = "spinning",
            PageCount = 1,
            PageSize = 1,
            MaxLength = 1,
            MaxRows = 1,
            MaxWidth = 1,
            WeightBytes = 0,
            VocabSize = 1,
            HiddenSize = 4,
        };

    public int FreePages => 1;

    /// <summary>Watches the next session.</summary>
    public SessionWatch Watch(SessionId session)
    {
        var watch = new SessionWatch(session);
        Volatile.Write(ref _watch, watch);
        return watch;
    }

    public void Open(SessionId session, SessionSettings settings) { }

    public bool Commit(SessionId session, VerifiedPath path) => true;

    public bool Rollback(SessionId session, VerifiedPath path) => true;

    public void Release(SessionId session) { }

    public void BeginStep() { }

    public bool TryAppend(BatchPart part)
    {
        _part = part;
        return true;
    }

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued)
    {
        var watch = Volatile.Read(ref _watch)!;
        watch.NoteBegin(_part!, clock.GetTimestamp());
        onQueued?.Invoke();
        for (var layer = 0; layer < settings.Layers; layer++)
        {
            if (isCancelled())
            {
                watch.AbandonedAt = clock.GetTimestamp();
                return false;
            }

            // The benchmark measures when the new run begins, so its layers take no time.
            if (_part!.Run.Value == 0)
            {
                SpinForLayer();
            }
        }

        return true;
    }

    public void ReadHidden(Span<byte> target) => target.Clear();

    public void RunExitHead(DraftRequest request) { }

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts) { }

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    ) { }

    public TokenId[] Verify(int firstRow) => [];

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount) => new(0f, []);

    public void Dispose() { }

    private void SpinForLayer()
    {
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started).TotalMilliseconds < settings.LayerMs)
        {
            Thread.SpinWait(20);
        }
    }

    /// <summary>Times at which one session's work began and ended.</summary>
    internal sealed class SessionWatch(SessionId session)
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _restarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _abandonedAt;
        private int _stepsBegun;

        /// <summary>Completes when the first micro-batch begins.</summary>
        public Task Begun => _begun.Task;

        /// <summary>Completes when the new run's first micro-batch begins.</summary>
        public Task Restarted => _restarted.Task;

        /// <summary>When the running micro-batch was abandoned; 0 when it was not.</summary>
        public long AbandonedAt
        {
            get => Volatile.Read(ref _abandonedAt);
            set => Volatile.Write(ref _abandonedAt, value);
        }

        /// <summary>When the new run began.</summary>
        public long RestartedAt { get; private set; }

        /// <summary>Micro-batches begun, of both runs.</summary>
        public int StepsBegun => Volatile.Read(ref _stepsBegun);

        /// <summary>A micro-batch begins.</summary>
        public void NoteBegin(BatchPart part, long timestamp)
        {
            if (part.Session != session)
            {
                return;
            }

            Interlocked.Increment(ref _stepsBegun);
            _begun.TrySetResult();
            if (part.Run.Value > 0)
            {
                RestartedAt = timestamp;
                _restarted.TrySetResult();
            }
        }
    }
}
