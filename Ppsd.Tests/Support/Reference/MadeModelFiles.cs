using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Support.Reference;

/// <summary>
/// Writes the made models and what the reference computes of them, for <c>ppsd verify --goldens</c> on a card: into the folder
/// that <c>PPSD_MADE_MODELS</c> names.
/// </summary>
[Explicit("writes files for a card")]
public sealed class MadeModelFiles
{
    [TestCaseSource(typeof(MadeModels), nameof(MadeModels.Names))]
    public void Write(string name)
    {
        var target =
            Environment.GetEnvironmentVariable("PPSD_MADE_MODELS")
            ?? throw new InvalidOperationException("PPSD_MADE_MODELS: expected a folder to write to");
        MadeModels.Write(name, Path.Combine(target, "models", name));
        var goldens = Directory.CreateDirectory(Path.Combine(target, "goldens")).FullName;
        var writer = new SafetensorsWriter();
        foreach (var (i, golden) in MadeModels.Goldens(name).Index())
        {
            writer
                .Add($"{i}.input_ids", [golden.InputIds.Length], golden.InputIds)
                .Add($"{i}.greedy", [golden.Greedy.Length], golden.Greedy);
            Add(writer, $"{i}.logits", golden.Logits);
            foreach (var (depth, rows) in golden.Hidden)
            {
                Add(writer, $"{i}.hidden.{depth}", rows);
            }
        }

        writer.Write(Path.Combine(goldens, $"{name}.golden.safetensors"));
    }

    private static void Add(SafetensorsWriter writer, string name, float[][] rows) =>
        writer.Add(name, ElementType.Float32, [rows.Length, rows[0].Length], [.. rows.SelectMany(row => row)]);
}
