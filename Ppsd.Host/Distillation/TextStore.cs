using System.Text.Json;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Distillation;

/// <summary>
/// Texts that the target wrote, kept as JSON lines as soon as each is complete, so that an interrupted run goes on with what is
/// missing. A half-written last line is dropped.
/// </summary>
internal sealed class TextStore(string path)
{
    /// <summary>Reads the file.</summary>
    /// <returns>Answers by the number of their request; empty without a file.</returns>
    /// <exception cref="UserErrorException">A line does not have this format.</exception>
    public Dictionary<int, WrittenText> Read()
    {
        var texts = new Dictionary<int, WrittenText>();
        if (!File.Exists(path))
        {
            return texts;
        }

        var content = File.ReadAllText(path);
        var end = content.LastIndexOf('\n') + 1;
        if (end < content.Length)
        {
            OutputFolder.Write(path, () => File.WriteAllText(path, content[..end]));
        }

        var lines = content[..end].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < lines.Length; i++)
        {
            try
            {
                var text = JsonSerializer.Deserialize<WrittenText>(lines[i]) ?? throw new JsonException();
                texts[text.Number] = text;
            }
            catch (JsonException e)
            {
                throw new UserErrorException($"{path}:{i + 1}: not a text of ppsd distill", e);
            }
        }

        return texts;
    }

    /// <summary>Adds a text.</summary>
    /// <exception cref="IOException">It cannot be written; one line.</exception>
    public void Add(WrittenText text) =>
        OutputFolder.Write(path, () => File.AppendAllText(path, JsonSerializer.Serialize(text) + "\n"));

    /// <summary>Deletes the file.</summary>
    /// <exception cref="IOException">It cannot be deleted; one line.</exception>
    public void Clear() => OutputFolder.Write(path, () => File.Delete(path));
}

/// <summary>A text the target wrote.</summary>
/// <param name="Number">Number of its request.</param>
/// <param name="Prompt">Tokens it was given.</param>
/// <param name="Answer">Tokens it wrote.</param>
/// <param name="Temperature">0 for the most probable tokens.</param>
/// <param name="Seed">Key of the noise.</param>
internal sealed record WrittenText(int Number, int[] Prompt, int[] Answer, float Temperature, ulong Seed)
{
    /// <summary>The text as training data.</summary>
    public TrainingSequence Sequence => TrainingSequence.Of(Prompt, Answer);

    /// <summary>Sampling settings it was drawn with.</summary>
    public SamplingParameters Sampling => new() { Temperature = Temperature, Seed = Seed };
}
