namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>Which of the four fp32 values of each weight.</summary>
internal enum TrainedPart
{
    /// <summary>The weight itself, the master copy.</summary>
    Values,

    /// <summary>The gradient, summed over the micro-batches of a step.</summary>
    Gradient,

    /// <summary>AdamW's running mean of gradients.</summary>
    FirstMoment,

    /// <summary>AdamW's running mean of squared gradients.</summary>
    SecondMoment,
}

/// <summary>A matrix or vector that training changes: fp32 values, gradient and AdamW's two moments.</summary>
/// <param name="rows">Output values; 1 for a vector.</param>
/// <param name="columns">Input values.</param>
internal abstract class TrainedMatrix(int rows, int columns) : TrainingMatrix(rows, columns)
{
    /// <summary>Weight decay acts on matrices and not on the scales of norms.</summary>
    public bool Decays => Rows > 1;

    /// <summary>Values of one part.</summary>
    public int Count => Rows * Columns;

    /// <summary>Copies a part to the host, [<see cref="TrainingMatrix.Rows"/>, <see cref="TrainingMatrix.Columns"/>].</summary>
    public abstract void Read(TrainedPart part, Span<float> target);

    /// <summary>Overwrites a part.</summary>
    public abstract void Write(TrainedPart part, ReadOnlySpan<float> source);
}
