using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>
/// What one forward and backward pass works on: sequences one after the other, a row for each token. Its buffers are
/// allocated once and filled for each pass.
/// </summary>
internal sealed class TrainingPass : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly int _depth;
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly List<int> _targetRows = [];
    private readonly List<int> _nextTokens = [];
    private readonly IndexBuffer _starts;
    private readonly IndexBuffer[] _shiftedTokens;
    private readonly IndexBuffer[] _shiftedPositions;
    private readonly IndexBuffer[] _sourceRows;
    private readonly int[][] _hostSourceRows;

    /// <param name="device">Where.</param>
    /// <param name="maxRows">Most rows of a pass.</param>
    /// <param name="depth">Steps of the deepest chain head; 1 without one.</param>
    public TrainingPass(TrainingDevice device, int maxRows, int depth)
    {
        _device = device;
        _depth = depth;
        _tokens = new int[maxRows];
        _positions = new int[maxRows];
        MaxRows = maxRows;
        _starts = device.AllocateIndices(maxRows + 1);
        _shiftedTokens = Allocate(maxRows);
        _shiftedPositions = Allocate(maxRows);
        _sourceRows = Allocate(maxRows);
        _hostSourceRows = new int[depth][];
        NextTokens = device.AllocateIndices(maxRows);
    }

    /// <summary>Most rows.</summary>
    public int MaxRows { get; }

    /// <summary>Rows: tokens of all sequences.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows whose next token counts.</summary>
    public int TargetCount => _targetRows.Count;

    /// <summary>Those rows, ascending.</summary>
    public IReadOnlyList<int> TargetRows => _targetRows;

    /// <summary>Where the sequences lie.</summary>
    public SequenceStarts Sequences { get; private set; }

    /// <summary>For each target row, the text's own next token.</summary>
    public IndexBuffer NextTokens { get; }

    /// <summary>For each row, the token <paramref name="step"/> places on; 0 beyond its sequence, where nothing counts.</summary>
    public IndexBuffer Tokens(int step) => _shiftedTokens[step];

    /// <summary>For each row, its position plus <paramref name="step"/>.</summary>
    public IndexBuffer Positions(int step) => _shiftedPositions[step];

    /// <summary>
    /// For each target row, the row from which a chain's step <paramref name="step"/> predicts it; -1 where that is not a
    /// target row of the same sequence. Step 0 has the target rows themselves.
    /// </summary>
    public IndexBuffer SourceRows(int step) => _sourceRows[step];

    /// <summary>True where <see cref="SourceRows"/> has a row for a target row, counted among the target rows.</summary>
    public bool HasSource(int step, int target) => _hostSourceRows[step][target] >= 0;

    /// <summary>Fills the pass.</summary>
    public void Fill(IReadOnlyList<TrainingSequence> sequences)
    {
        var starts = new int[sequences.Count + 1];
        _targetRows.Clear();
        _nextTokens.Clear();
        Rows = 0;
        for (var i = 0; i < sequences.Count; i++)
        {
            starts[i] = Rows;
            Append(sequences[i]);
        }

        starts[^1] = Rows;
        _device.Upload(starts, _starts);
        Sequences = new SequenceStarts(starts, _starts);
        _device.Upload(_nextTokens.ToArray(), NextTokens);
        for (var step = 0; step < _depth; step++)
        {
            UploadStep(step, starts);
        }
    }

    public void Dispose()
    {
        _starts.Dispose();
        NextTokens.Dispose();
        foreach (var buffer in _shiftedTokens.Concat(_shiftedPositions).Concat(_sourceRows))
        {
            buffer.Dispose();
        }
    }

    private IndexBuffer[] Allocate(int maxRows) =>
        [.. Enumerable.Range(0, _depth).Select(_ => _device.AllocateIndices(maxRows))];

    private void Append(TrainingSequence sequence)
    {
        for (var i = 0; i < sequence.Length; i++)
        {
            if (i + 1 < sequence.Length && sequence.IsAnswer[i + 1])
            {
                _targetRows.Add(Rows);
                _nextTokens.Add(sequence.Tokens[i + 1]);
            }

            _tokens[Rows] = sequence.Tokens[i];
            _positions[Rows++] = i;
        }
    }

    private void UploadStep(int step, int[] starts)
    {
        var tokens = new int[Rows];
        var positions = new int[Rows];
        for (var i = 0; i + 1 < starts.Length; i++)
        {
            for (var row = starts[i]; row < starts[i + 1]; row++)
            {
                tokens[row] = row + step < starts[i + 1] ? _tokens[row + step] : 0;
                positions[row] = _positions[row] + step;
            }
        }

        var isTarget = new bool[Rows];
        _targetRows.ForEach(row => isTarget[row] = true);
        var sources = _targetRows
            .Select(row => _positions[row] >= step && isTarget[row - step] ? row - step : -1)
            .ToArray();
        _device.Upload(tokens, _shiftedTokens[step]);
        _device.Upload(positions, _shiftedPositions[step]);
        _hostSourceRows[step] = sources;
        _device.Upload(sources, _sourceRows[step]);
    }
}
