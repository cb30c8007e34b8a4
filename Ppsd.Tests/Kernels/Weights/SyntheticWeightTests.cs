using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Weights;

[OnSimulator]
public sealed class SyntheticWeightTests
{
    private static readonly ModelConfig _config = SyntheticPresets.Find("llama2-7b")! with
    {
        HiddenSize = 64,
        IntermediateSize = 96,
        LayerCount = 4,
        HeadCount = 4,
        KvHeadCount = 4,
        HeadSize = 16,
        VocabSize = 200,
        MaxPositions = 128,
    };

    [Test]
    public void Values_are_bf16_of_the_promised_deviation_and_differ_by_name_row_column_and_seed()
    {
        var weight = Weight("model.layers.0.mlp.up_proj.weight", 1);
        var values = Row(weight, 3);

        Assert.That(values, Has.All.Matches<float>(v => (BitConverter.SingleToUInt32Bits(v) & 0xFFFF) == 0));
        Assert.That(Math.Sqrt(values.Average(v => v * v)), Is.EqualTo(1 / Math.Sqrt(4096)).Within(2).Percent);
        Assert.That(Math.Abs(values.Average()), Is.LessThan(1e-3));
        Assert.That(Correlation(values, Row(weight, 4)), Is.LessThan(0.06));
        Assert.That(Correlation(values, values.Skip(1).Append(0f).ToArray()), Is.LessThan(0.06));
        Assert.That(Correlation(values, Row(Weight("model.layers.1.mlp.up_proj.weight", 1), 3)), Is.LessThan(0.06));
        Assert.That(Correlation(values, Row(Weight("model.layers.0.mlp.up_proj.weight", 2), 3)), Is.LessThan(0.06));

        static Weight Weight(string name, uint seed) =>
            new SyntheticWeightSource(new SyntheticWeights { Seed = seed }).Require(name, 16, 4096);
    }

    [Test]
    public void Two_stages_make_the_hidden_states_of_the_whole_model()
    {
        using var backend = new CpuBackend(threads: 1);
        using var whole = StageModelLoader.Load(backend, Options(0, 4));
        using var first = StageModelLoader.Load(backend, Options(0, 1));
        using var rest = StageModelLoader.Load(backend, Options(1, 3));
        int[] prompt = [1, 7, 199, 3];

        var expected = new SequenceRun(whole, 8).Feed(prompt);

        Assert.That(expected, Has.None.NaN);
        Assert.That(new SequenceRun([first, rest], 8).Feed(prompt), Is.EqualTo(expected));
    }

    [Test]
    public void An_exit_head_drafts_the_targets_tokens_once_the_layers_after_it_add_nothing()
    {
        using var backend = new CpuBackend(threads: 1);
        var silent = new SyntheticWeights { FirstScaledLayer = 2, OutputScale = 0f };
        var options = Options(0, 4) with
        {
            Synthetic = silent,
            ExitHeads = [new(SyntheticPresets.ExitHead(_config, 2), null)],
        };
        using var stage = StageModelLoader.Load(backend, options);
        var run = new SequenceRun(stage, 8);
        run.Feed([1, 7, 199, 3]);
        stage.RunExitHead(3);
        stage.RunTargetHead(3);

        Assert.That(stage.DraftLogits(3).ToArray(), Is.EqualTo(stage.TargetLogits(3).ToArray()));
    }

    /// <summary>The kernels of a card, one after another as a step queues them, against the processor's.</summary>
    [Test]
    public void The_simulator_makes_the_hidden_states_and_logits_of_the_processor()
    {
        var expected = Run("cpu");
        var actual = Run("simulator, fp32 KV");

        Assert.That(Numbers.RelativeError(actual.Hidden, expected.Hidden), Is.LessThan(2e-5));
        Assert.That(Numbers.RelativeError(actual.Logits, expected.Logits), Is.LessThan(2e-5));

        static (float[] Hidden, float[] Logits) Run(string name)
        {
            using var device = BackendUnderTest.Open(name);
            using var stage = StageModelLoader.Load(
                device.Backend,
                Options(0, 1) with
                {
                    Config = _config with { LayerCount = 1 },
                }
            );
            var run = new SequenceRun(stage, 8);
            run.Feed([1, 7]);
            return (run.Feed(3), run.Logits(1)[0]);
        }
    }

    private static StageModelOptions Options(int firstLayer, int layerCount) =>
        new()
        {
            Synthetic = new SyntheticWeights(),
            Config = _config,
            FirstLayer = firstLayer,
            LayerCount = layerCount,
            KvCacheBytes = 1 << 20,
        };

    private static float[] Row(Weight weight, long row)
    {
        var values = new float[weight.RowLength];
        weight.ReadRow(row, values);
        return values;
    }

    private static double Correlation(float[] a, float[] b) =>
        Math.Abs(a.Zip(b, (x, y) => x * y).Sum()) / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));
}
