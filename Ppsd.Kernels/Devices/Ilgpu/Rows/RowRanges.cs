namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// Finds the prompts among a step's rows: long runs in which each row's context begins with that of the row before it. A
/// prompt's rows are such a run whatever else rides in the step; a sliding window ends it, as soon as it moves.
/// </summary>
internal sealed class RowRanges
{
    /// <summary>
    /// Fewest rows of a run that are worth launches of their own: half of what a group of attention for prompts serves of a
    /// model without grouped queries, and far more than a session verifies at once.
    /// </summary>
    public const int FewestRows = 32;

    private readonly List<RowRange> _ranges = [];

    /// <summary>
    /// The ranges of the last step, in order; empty when all its rows are alike and none of them a prompt's.
    /// </summary>
    public IReadOnlyList<RowRange> All => _ranges;

    /// <summary>True when the step is one prompt's rows and nothing else.</summary>
    public bool IsOnePrompt => _ranges is [{ IsPrompt: true }];

    /// <summary>Finds the ranges of a step.</summary>
    /// <param name="words">The step's integers; see <see cref="RowContexts"/>.</param>
    /// <param name="rows">Rows of the step.</param>
    public void Find(ReadOnlySpan<int> words, int rows)
    {
        _ranges.Clear();
        var others = 0;
        var first = 0;
        for (var row = 1; row <= rows; row++)
        {
            if (row < rows && Agreement(words, row) == Length(words, row - 1))
            {
                continue;
            }

            if (row - first >= FewestRows)
            {
                if (first > others)
                {
                    _ranges.Add(new RowRange(others, first, IsPrompt: false));
                }

                _ranges.Add(new RowRange(first, row, IsPrompt: true));
                others = row;
            }

            first = row;
        }

        if (others > 0 && others < rows)
        {
            _ranges.Add(new RowRange(others, rows, IsPrompt: false));
        }
    }

    private static int Length(ReadOnlySpan<int> words, int row) =>
        words[row * RowContexts.Stride + 4] + words[row * RowContexts.Stride + 6];

    private static int Agreement(ReadOnlySpan<int> words, int row) => words[row * RowContexts.Stride + 7];
}
