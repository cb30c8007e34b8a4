using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>
/// What suits a kind of device, and the bytes that things take there. Pure: it is known before a device is opened, and
/// <see cref="TrainingDevice.AllocatedBytes"/> is what it says.
/// </summary>
internal abstract class TrainingSizes
{
    /// <summary>Tokens of a forward and backward pass that suit the device; more take more passes.</summary>
    /// <param name="hiddenSize">Width of the model: a pass of a wide one fills a device, and its memory, with fewer.</param>
    public abstract int PassTokens(int hiddenSize);

    /// <summary>Rows of logits that are kept at once.</summary>
    /// <param name="vocabSize">Width of a row of logits.</param>
    public abstract int LogitRows(int vocabSize);

    /// <summary>Of <see cref="TrainingDevice.Allocate"/>.</summary>
    public abstract long Activations(int rows, int width);

    /// <summary>Of <see cref="TrainingDevice.AllocateIndices"/>.</summary>
    public static long Indices(int count) => sizeof(int) * (long)Math.Max(1, count);

    /// <summary>Of <see cref="TrainingDevice.AllocateTrained"/>, with the copies that products read.</summary>
    public abstract long Trained(int rows, int columns);

    /// <summary>Of <see cref="TrainingDevice.LoadFrozen"/>.</summary>
    public abstract long Frozen(MatrixUses uses, int rows, int columns);

    /// <summary>What loading it takes beside that, until it is loaded.</summary>
    public abstract long Loading(MatrixUses uses, int rows, int columns);

    /// <summary>Of <see cref="TrainingDevice.LoadRotary"/>.</summary>
    /// <param name="length">Positions.</param>
    /// <param name="headSize">Values per head.</param>
    public static long Rotary(int length, int headSize) => 2L * sizeof(float) * length * (headSize / 2);

    /// <summary>What operations are computed in, at most.</summary>
    public abstract long Work(TrainingWork work);
}

/// <summary>The largest of a stage's operations.</summary>
/// <param name="Rows">Most rows of a pass.</param>
/// <param name="LongestSequence">Rows of the longest sequence.</param>
/// <param name="Shape">Heads of the model's layers.</param>
/// <param name="Products">All products; the order does not matter.</param>
/// <param name="Attends">Whether a head attends, so that there are gradients of attention.</param>
/// <param name="ChainSteps">Steps of the deepest chain head; 1 without one.</param>
/// <param name="WidestVector">Values of the widest vector whose gradient is summed over rows; 0 without one.</param>
internal sealed record TrainingWork(
    int Rows,
    int LongestSequence,
    AttentionShape Shape,
    IReadOnlyList<ProductSize> Products,
    bool Attends,
    int ChainSteps,
    int WidestVector
);

/// <summary>A product: [rows, depth] times [outputs, depth] transposed.</summary>
/// <param name="Right">What the second operand is.</param>
internal readonly record struct ProductSize(int Rows, int Depth, int Outputs, RightOperand Right);

/// <summary>Kinds of second operands.</summary>
internal enum RightOperand
{
    /// <summary>Frozen weights, laid out when they were loaded.</summary>
    Frozen,

    /// <summary>Trained weights.</summary>
    Trained,

    /// <summary>Activations, laid out for the one product.</summary>
    Activations,
}
