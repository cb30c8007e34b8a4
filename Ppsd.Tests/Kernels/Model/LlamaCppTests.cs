using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The families that have no files of transformers, against llama.cpp's numbers for the same weights.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LlamaCppTests
{
    [TestCaseSource(typeof(MadeModels), nameof(MadeModels.Names))]
    public void Logits_after_a_prompt_are_those_of_llama_cpp(string model)
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(
            backend,
            TestModels.Options(model, maxRows: 128) with
            {
                // It computes them anew, whatever the checkpoint's type.
                RopeFrequencies = RopeFrequencies.Float32,
            }
        );
        using var file = SafetensorsFile.Open(MadeModels.LlamaCppGolden(model));
        var compared = 0;
        for (; file.TryGet($"{compared}.input_ids", out var ids); compared++)
        {
            var prompt = new int[ids.ElementCount];
            ids.ReadRow(0, prompt);
            var tensor = file.Require($"{compared}.logits");
            var expected = new float[tensor.RowLength];
            tensor.ReadRow(0, expected);
            var run = new SequenceRun(stage, prompt.Length, id: compared + 1);
            run.Feed(prompt);
            Assert.That(
                Numbers.RelativeError(run.Logits(1)[0], expected),
                Is.LessThan(1e-5),
                $"{prompt.Length} tokens"
            );
        }

        Assert.That(compared, Is.GreaterThanOrEqualTo(2));
    }
}
