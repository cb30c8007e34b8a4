using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The law for every family: the same bits however a model is cut and however its prompt comes in.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class FamilyTests
{
    private static IEnumerable<string> Families => TestModels.Families;

    [TestCaseSource(nameof(Families))]
    public void Chunks_of_a_prompt_change_no_bit(string model)
    {
        using var backend = new CpuBackend(threads: 2);
        using var stage = TestModels.Load(backend, model, maxRows: 128);
        var prompt = Golden.Read(model)[^1].InputIds;
        var expected = LogitsAfter(stage, prompt, prompt.Length, id: 1);
        foreach (var (i, chunk) in ((int[])[1, 7, 64]).Index())
        {
            Assert.That(LogitsAfter(stage, prompt, chunk, id: i + 2), Is.EqualTo(expected), $"chunks of {chunk}");
        }
    }

    [TestCaseSource(nameof(Families))]
    public void Cuts_between_stages_change_no_bit(string model)
    {
        using var backend = new CpuBackend(threads: 1);
        var prompt = Golden.Read(model)[1].InputIds;
        using var whole = TestModels.Load(backend, model);
        var expected = LogitsAfter(whole, prompt, 64, id: 1);
        for (var cut = 1; cut < ModelConfig.Read(TestModels.Folder(model)).LayerCount; cut++)
        {
            using var first = StageModelLoader.Load(backend, TestModels.Options(model, 0, cut));
            using var second = StageModelLoader.Load(backend, TestModels.Options(model, cut));
            var run = new SequenceRun([first, second], prompt.Length);
            run.Feed(prompt);
            Assert.That(run.Logits(1)[0], Is.EqualTo(expected), $"cut after {cut} layers");
        }
    }

    private static float[] LogitsAfter(StageModel stage, int[] prompt, int chunk, long id)
    {
        var run = new SequenceRun(stage, prompt.Length, id: id);
        foreach (var part in prompt.Chunk(chunk))
        {
            run.Feed(part);
        }

        return run.Logits(1)[0];
    }
}
