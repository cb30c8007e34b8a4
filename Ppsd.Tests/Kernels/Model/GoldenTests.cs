using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The CPU back end against transformers' fp32 results on the same weights, or a double-precision reference's.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class GoldenTests
{
    private const double Tolerance = 2e-4;

    private static readonly string[] _models =
    [
        TestModels.Tiny,
        TestModels.Tiny3,
        TestModels.Gsm,
        .. TestModels.Families,
    ];

    [TestCaseSource(nameof(_models))]
    public void Greedy_tokens_are_those_of_the_reference(string model)
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = TestModels.Load(backend, model);
        var id = 0L;
        foreach (var golden in Golden.Read(model))
        {
            var run = new SequenceRun(stage, golden.InputIds.Length + golden.Greedy.Length + 1, id: ++id);
            Assert.That(run.Generate(golden.InputIds, golden.Greedy.Length), Is.EqualTo(golden.Greedy));
        }
    }

    [TestCaseSource(nameof(_models))]
    public void Logits_of_the_last_prompt_positions_agree(string model)
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = TestModels.Load(backend, model, maxRows: 256);
        var id = 0L;
        foreach (var golden in Golden.Read(model))
        {
            var run = new SequenceRun(stage, golden.InputIds.Length, id: ++id);
            run.Feed(golden.InputIds);
            var logits = run.Logits(golden.Logits.Length);
            for (var row = 0; row < logits.Length; row++)
            {
                Assert.That(Numbers.RelativeError(logits[row], golden.Logits[row]), Is.LessThan(Tolerance));
            }
        }
    }

    [TestCaseSource(nameof(_models))]
    public void Hidden_states_between_layers_agree(string model)
    {
        using var backend = new CpuBackend(threads: 1);
        foreach (var golden in Golden.Read(model))
        {
            foreach (var (layer, expected) in golden.Hidden)
            {
                using var stage = StageModelLoader.Load(
                    backend,
                    TestModels.Options(model, layerCount: layer, maxRows: 256)
                );
                var run = new SequenceRun(stage, golden.InputIds.Length);
                var unit = (float)ModelConfig.Read(TestModels.Folder(model)).Layers.ResidualMultiplier;
                float[] hidden = [.. run.Feed(golden.InputIds).Select(value => value * unit)];
                for (var row = 0; row < expected.Length; row++)
                {
                    var at = (golden.InputIds.Length - expected.Length + row) * stage.HiddenSize;
                    Assert.That(
                        Numbers.RelativeError(hidden.AsSpan(at, stage.HiddenSize), expected[row]),
                        Is.LessThan(Tolerance),
                        $"after {layer} layers"
                    );
                }
            }
        }
    }
}
