using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Saving;

/// <summary>
/// Everything a run needs to go on as if it had never stopped: fp32 weights and AdamW's moments of every head, exactly, and
/// how many steps were done. The order of the data follows from the step.
/// </summary>
internal static class TrainerState
{
    private const string StepName = "progress";

    private static readonly (TrainedPart Part, string Suffix)[] _parts =
    [
        (TrainedPart.Values, "values"),
        (TrainedPart.FirstMoment, "first_moment"),
        (TrainedPart.SecondMoment, "second_moment"),
    ];

    /// <summary>Writes the state as one file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string path, HeadTrainer trainer)
    {
        var output = new SafetensorsOutput();

        // Two 24-bit halves hold a count exactly in fp32.
        output.Add(
            StepName,
            ElementType.Float32,
            [3],
            [trainer.Step, trainer.AnswerTokens >> 24, trainer.AnswerTokens & 0xFFFFFF]
        );
        foreach (var (name, matrix) in Matrices(trainer))
        {
            foreach (var (part, suffix) in _parts)
            {
                var values = new float[matrix.Count];
                matrix.Read(part, values);
                output.Add($"{name}.{suffix}", ElementType.Float32, [matrix.Rows, matrix.Columns], values);
            }
        }

        output.Write(path);
    }

    /// <summary>Reads a state into a trainer of the same heads.</summary>
    /// <exception cref="CheckpointException">The file is not the state of such a run.</exception>
    public static void Read(string path, HeadTrainer trainer)
    {
        using var file = SafetensorsFile.Open(path);
        var progress = new float[3];
        file.Require(StepName).ReadRows(0, 1, progress);
        foreach (var (name, matrix) in Matrices(trainer))
        {
            foreach (var (part, suffix) in _parts)
            {
                var tensor = file.Require($"{name}.{suffix}");
                var values = new float[matrix.Count];
                tensor.ReadRows(0, matrix.Rows, values);
                matrix.Write(part, values);
            }
        }

        trainer.Step = (int)progress[0];
        trainer.AnswerTokens = ((long)progress[1] << 24) + (long)progress[2];
    }

    private static IEnumerable<(string Name, TrainedMatrix Matrix)> Matrices(HeadTrainer trainer) =>
        trainer.Heads.SelectMany(
            (head, i) => head.Matrices.Select((matrix, j) => ($"{i}.{head.Spec.Name}.{j}", matrix))
        );
}
