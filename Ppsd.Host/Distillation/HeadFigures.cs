using Ppsd.Kernels.Distillation.Evaluation;
using Ppsd.Kernels.Distillation.Heads;

namespace Ppsd.Host.Distillation;

/// <summary>Evaluation of a head; arrays have an entry for each drafting step.</summary>
/// <param name="Greedy">Acceptance on greedy texts.</param>
/// <param name="Sampled">Acceptance on texts sampled at temperature 1, with drafts drawn with the target's noise.</param>
internal sealed record HeadFigures(HeadSpec Head, StepEvaluation[] Greedy, StepEvaluation[] Sampled)
{
    /// <summary>Numbers of stages for which the speed-up is given.</summary>
    public static IReadOnlyList<int> StageCounts { get; } = [2, 4, 8];

    /// <summary>
    /// Speed-up over plain decoding on the same stages by the PPSD paper's equation 7: P / (a + (1 - a) P) for acceptance a,
    /// stages that take equal time, and a head that costs nothing.
    /// </summary>
    public static double SpeedUp(double acceptance, int stages) => stages / (acceptance + (1 - acceptance) * stages);
}
