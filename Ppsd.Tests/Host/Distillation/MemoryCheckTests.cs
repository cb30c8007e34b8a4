using Ppsd.Actors.Planning;
using Ppsd.Host.Distillation;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Weights;

namespace Ppsd.Tests.Host.Distillation;

[Parallelizable(ParallelScope.All)]
public sealed class MemoryCheckTests
{
    private const long Gibi = 1L << 30;

    private static readonly ModelConfig _llama = SyntheticPresets.Find("llama2-7b")!;

    [Test]
    public void A_run_that_fits_is_not_refused() =>
        Assert.That(Check(["cuda:0"], [8], 2048).Refusal(_ => 40 * Gibi), Is.Null);

    /// <summary>One H200 said 12,853 MiB for the model and 5,694 more for the rest, the driver's and the kernels' own included.</summary>
    [Test]
    public void A_7B_model_takes_what_was_measured_on_a_card()
    {
        var said = Check(["cuda:0"], [8], 2048, batchTokens: 8192).FootprintOn("cuda:0");
        Assert.That(said.Model / (double)(1 << 20), Is.EqualTo(12_853).Within(3).Percent);
        Assert.That((said.Total - said.Model) / (double)(1 << 20), Is.EqualTo(5_694).Within(15).Percent);
    }

    [Test]
    public void A_run_that_does_not_fit_is_told_what_it_takes_what_is_there_and_what_helps()
    {
        var refusal = Check(["cuda:0"], [8], 512).Refusal(_ => 16 * Gibi);
        Assert.That(
            refusal,
            Does.Match(
                @"^--device cuda:0: training takes \d+\.\d GiB \(model 12\.\d, heads with gradients and moments 3\.\d, .*\), 16\.0 are free; "
            )
        );
        Assert.That(refusal, Does.Not.Contain("\n"));
    }

    [TestCase("cuda:0", 1024, 17.5, "--batch-tokens 1024 would fit")]
    [TestCase("cuda:0", 2048, 17.3, "--sequence-length 1024 --batch-tokens 1024 would fit")]
    [TestCase("cuda:0", 2048, 13.0, "stages on more cards take less of each")]
    [TestCase("cpu", 1024, 13.0, "this model needs a machine with more memory")]
    public void The_first_change_that_helps_is_named(string device, int length, double free, string expected) =>
        Assert.That(Check([device], [8], length).Refusal(_ => (long)(free * Gibi)), Does.Contain(expected));

    [Test]
    public void Heads_that_fit_one_by_one_are_to_come_one_by_one()
    {
        var alone = Check(["cuda:0"], [8], 64, batchTokens: 64).FootprintOn("cuda:0").Total;
        var refusal = Check(["cuda:0"], [4, 8, 12], 64, batchTokens: 64).Refusal(_ => alone + Gibi);
        Assert.That(refusal, Does.EndWith("one head at a time (--head, --exit-layer) would fit"));
    }

    [Test]
    public void Stages_on_one_device_count_together_and_on_several_each_for_itself()
    {
        var alone = Check(["cuda:0"], [8], 512).FootprintOn("cuda:0").Total;
        var together = Check(["cuda:0", "cuda:0"], [8], 512).FootprintOn("cuda:0").Total;
        var apart = Check(["cuda:0", "cuda:1"], [8], 512);
        Assert.That(together, Is.GreaterThan(alone));
        Assert.That(apart.FootprintOn("cuda:0").Total, Is.LessThan(0.8 * alone));
        Assert.That(apart.FootprintOn("cuda:1").Total, Is.LessThan(0.8 * alone));
        Assert.That(apart.Refusal(name => name == "cuda:1" ? Gibi : 80 * Gibi), Does.StartWith("--device cuda:1: "));
    }

    private static MemoryCheck Check(string[] devices, int[] exitLayers, int length, int batchTokens = 3072) =>
        new(
            new DistillSettings
            {
                Heads = [.. exitLayers.Select(layer => new HeadSpec(TrainedHeadKind.Transformer, layer))],
                OutputFolder = "",
                Stages = StagePlan.Even(_llama.LayerCount, devices.Length),
                Devices = devices,
                BatchTokens = batchTokens,
                SequenceLength = length,
                TeacherTokens = devices.Length > 1 ? 128 : 0,
                Command = "",
            },
            _llama,
            length,
            name => TrainingDeviceCatalog.SizesOf(name, threads: 2)
        );
}
