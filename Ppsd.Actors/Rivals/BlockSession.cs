using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Rivals;

/// <summary>
/// One text's keys and values in all stages, and the hidden states between them. The stages are cuts of one model, run one
/// after another by the caller's thread: stage i's exit is behind its layers.
/// </summary>
internal sealed class BlockSession : IDisposable
{
    private readonly IReadOnlyList<IStageRuntime> _stages;
    private readonly SessionId _id;
    private readonly byte[][] _hidden;
    private readonly int _rowBytes;
    private readonly int _mostRows;
    private int _nextCandidate;

    /// <summary>Opens the text in all stages.</summary>
    /// <param name="stages">All stages, in order.</param>
    /// <param name="number">A number no other open text has.</param>
    /// <param name="mostDrafts">Most drafts in flight.</param>
    /// <exception cref="StageCapacityException">A stage has too few free pages.</exception>
    public BlockSession(IReadOnlyList<IStageRuntime> stages, int number, StartSession request, int mostDrafts)
    {
        _stages = stages;
        _id = new SessionId(number);
        _rowBytes = stages[0].Description.HiddenSize * sizeof(float);
        _mostRows = stages.Min(stage => stage.Description.MaxRows);
        _hidden = [.. stages.Select(_ => new byte[_mostRows * _rowBytes])];
        var settings = new SessionSettings
        {
            Drafts = DraftSources.ExitHead,
            Sampling = request.Sampling,
            MaxWidth = 2,
            ReservedLength = request.Prompt.Length + request.MaxTokens + mostDrafts + 1,
            PromptLength = request.Prompt.Length,
        };
        var opened = 0;
        try
        {
            for (; opened < stages.Count; opened++)
            {
                stages[opened].Open(_id, settings);
            }
        }
        catch (StageCapacityException)
        {
            Close(opened);
            throw;
        }
    }

    /// <summary>Number of stages.</summary>
    public int StageCount => _stages.Count;

    /// <summary>What every stage holds and the target has confirmed.</summary>
    public VerifiedPath Path { get; private set; } = VerifiedPath.Empty;

    /// <summary>The last stage.</summary>
    public IStageRuntime Last => _stages[^1];

    /// <summary>A stage.</summary>
    public IStageRuntime Stage(int stage) => _stages[stage];

    /// <summary>Hidden states behind a stage, fp32 [rows, hiddenSize], of rows that it has run.</summary>
    public ReadOnlyMemory<byte> HiddenBehind(int stage, int firstRow, int rows) =>
        _hidden[stage].AsMemory(firstRow * _rowBytes, rows * _rowBytes);

    /// <summary>Makes a candidate's id.</summary>
    public CandidateId NewCandidate() => new(_nextCandidate++);

    /// <summary>
    /// Runs the prompt through all stages, in chunks. The last chunk is as long as a chunk can be, so that what is read of a
    /// prompt's end lies in one.
    /// </summary>
    /// <param name="onChunk">Told the rows of each chunk, when they have passed all stages.</param>
    /// <param name="keepsLast">True to keep hidden states behind the last stage too.</param>
    public void RunPrompt(TokenId[] prompt, Action<int> onChunk, bool keepsLast)
    {
        var first = prompt.Length % _mostRows;
        for (var start = 0; start < prompt.Length; )
        {
            var rows = start == 0 && first > 0 ? first : _mostRows;
            var block = new BlockRows(this);
            for (var i = 0; i < rows; i++)
            {
                block.Add(prompt[start + i]);
            }

            Run(0, StageCount, block.Part(0, rows, certain: rows), firstRow: 0, draftsFromLast: false, keepsLast);
            start += rows;
            Settle(block, rows);
            onChunk(rows);
        }
    }

    /// <summary>
    /// Runs rows through stages. The first reads what the stage before it left of these rows. A head on the way takes the
    /// rows into its caches.
    /// </summary>
    /// <param name="first">First stage.</param>
    /// <param name="end">The one behind the last stage to run.</param>
    /// <param name="firstRow">Their place among the rows whose hidden states are kept.</param>
    /// <param name="draftsFromLast">True if heads are to draft from the last row.</param>
    /// <param name="keepsLast">True to keep hidden states behind the model's last stage too.</param>
    public void Run(int first, int end, BatchPart part, int firstRow, bool draftsFromLast, bool keepsLast = false)
    {
        for (var i = first; i < end; i++)
        {
            var stage = _stages[i];
            DraftRequest? drafts = stage.Description.HasExitHead
                ? new DraftRequest(draftsFromLast ? part.Count - 1 : part.Count, 1)
                : null;
            stage.BeginStep();
            if (!stage.TryAppend(part))
            {
                throw new InvalidOperationException(
                    $"stage {i + 1} does not hold the rows before {part.Candidates[0]}"
                );
            }

            var hidden = i == 0 ? default : HiddenBehind(i - 1, firstRow, part.Count);
            stage.Forward(hidden, static () => false, drafts);
            if (drafts is { } request)
            {
                stage.RunExitHead(request);
            }

            if (i + 1 < StageCount || keepsLast)
            {
                stage.ReadHidden(_hidden[i].AsSpan(firstRow * _rowBytes, part.Count * _rowBytes));
            }
        }
    }

    /// <summary>Confirms the first <paramref name="rows"/> rows of a block and forgets the others in all stages.</summary>
    public void Settle(BlockRows block, int rows) =>
        Return(new VerifiedPath(block.Candidate(rows - 1), Path.Length + rows));

    /// <summary>Forgets everything behind a path in all stages.</summary>
    public void Return(VerifiedPath path)
    {
        for (var i = 0; i < StageCount; i++)
        {
            if (!_stages[i].Rollback(_id, path))
            {
                throw new InvalidOperationException($"stage {i + 1} does not hold a path of {path.Length} tokens");
            }
        }

        Path = path;
    }

    /// <summary>The rows of a part as messages have them.</summary>
    internal BatchPart Part(CandidateId[] candidates, TokenId[] tokens, CandidateId[] parents, int certain) =>
        new()
        {
            Session = _id,
            Run = new RunId(0),
            Base = Path,
            Candidates = candidates,
            Tokens = tokens,
            Parents = parents,
            CertainCount = certain,
            FirstHeadRow = candidates.Length - 1,
        };

    /// <inheritdoc />
    public void Dispose() => Close(StageCount);

    private void Close(int stages)
    {
        for (var i = 0; i < stages; i++)
        {
            _stages[i].Release(_id);
        }
    }
}
