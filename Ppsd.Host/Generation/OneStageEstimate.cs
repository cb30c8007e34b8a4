using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>
/// What one stage with all threads should give without drafts, by the steps that the pipeline's stages measured when they
/// loaded. An estimate on the low side, which costs no time; <c>--compare</c> measures. Pure.
/// </summary>
internal static class OneStageEstimate
{
    /// <summary>
    /// What each further thread of a step adds to the first one's speed: the least that a second one added to the bundled model, 1.39 to
    /// 1.54 on two cores.
    /// </summary>
    private const double ThreadGain = 0.4;

    /// <summary>Threads of a step never give more than this: they wait for the same memory.</summary>
    private const double MostGain = 4;

    /// <summary>How much faster it must be to be worth a word.</summary>
    private const double Margin = 1.1;

    /// <summary>Tokens of a text whose speed says something.</summary>
    private const int FewestTokens = 16;

    /// <summary>Tokens per second; null where nothing was measured, or where it is not clearly faster than the text was.</summary>
    /// <param name="stages">Costs of the pipeline's stages, which all compute on this machine's CPU.</param>
    /// <param name="stats">How the text went.</param>
    /// <param name="threadsEach">Threads of a stage.</param>
    /// <param name="cores">Threads that the one stage would have.</param>
    public static double? FasterThan(SessionStats stats, IReadOnlyList<RowCosts> stages, int threadsEach, int cores)
    {
        if (stages.Count < 2 || stats.GeneratedTokens < FewestTokens || stages.Any(stage => stage.StepMs <= 0))
        {
            return null;
        }

        var gain = Math.Clamp(1 + ThreadGain * ((double)cores / threadsEach - 1), 1, MostGain);
        var speed = 1000 / stages.Sum(stage => stage.StepMs) * gain;
        return speed > Margin * stats.TokensPerSecond ? speed : null;
    }
}
