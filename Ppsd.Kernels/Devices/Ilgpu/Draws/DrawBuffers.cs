using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>What draws are made in: the groups' own best tokens, then the rows' results.</summary>
internal struct DrawBuffers
{
    /// <summary>
    /// Words of a result, a line of memory: drafts asked for, drafts found, their tokens, the bits of their log shares, and
    /// at <see cref="StepWord"/> the step's number, written last.
    /// </summary>
    public const int ResultStride = 32;

    /// <summary>Where a result tells its step.</summary>
    public const int StepWord = ResultStride - 1;

    /// <summary>The least score that each row's filters keep.</summary>
    public ArrayView<float> Thresholds;

    /// <summary>The best keys of each group, [rows, groups, MaxDrafts].</summary>
    public ArrayView<ulong> Keys;

    /// <summary>Each group's largest score and the sum of e^(score - largest), [rows, groups].</summary>
    public ArrayView<SoftmaxTotal> Totals;

    /// <summary>Groups of a row that are done; zero between steps.</summary>
    public ArrayView<int> Done;

    /// <summary>The best token of each row, for kernels that go on from it; some token where none was drawn.</summary>
    public ArrayView<int> Tokens;

    /// <summary>The results, [rows, ResultStride], in page-locked memory of the host's.</summary>
    public ArrayView<int> Results;
}
