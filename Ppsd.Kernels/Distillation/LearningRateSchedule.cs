namespace Ppsd.Kernels.Distillation;

/// <summary>Linear warm-up to a peak, then half a cosine down to zero at the last step.</summary>
/// <param name="Peak">Highest learning rate.</param>
/// <param name="WarmupSteps">Steps until the peak.</param>
/// <param name="Steps">All steps.</param>
internal readonly record struct LearningRateSchedule(double Peak, int WarmupSteps, int Steps)
{
    /// <summary>Learning rate of a step, counted from 1.</summary>
    public double At(int step)
    {
        if (step <= WarmupSteps)
        {
            return Peak * step / WarmupSteps;
        }

        var progress = (double)(step - WarmupSteps) / Math.Max(1, Steps - WarmupSteps);
        return Peak * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress)));
    }
}
