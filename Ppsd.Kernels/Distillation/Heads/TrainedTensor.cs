using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>A tensor of a head's file: some rows of trained weights.</summary>
/// <param name="Name">Its name in the head's folder.</param>
/// <param name="Matrix">The weights, in which several tensors may be stacked.</param>
/// <param name="Rows">Rows; those of a vector are 1.</param>
internal readonly record struct TrainedTensor(string Name, TrainedMatrix Matrix, int FirstRow, int Rows)
{
    /// <summary>All of a matrix or vector.</summary>
    public TrainedTensor(string name, TrainedMatrix matrix)
        : this(name, matrix, 0, matrix.Rows) { }

    /// <summary>
    /// True for one whose rows, or elements, are those of query or key heads: devices may have them in another order than
    /// files (<see cref="Weights.RotatedPairs"/>).
    /// </summary>
    public bool IsRotated { get; init; }

    /// <summary>The tensor's shape in the file.</summary>
    public long[] Shape => Matrix.Rows == 1 ? [Matrix.Columns] : [Rows, Matrix.Columns];
}
