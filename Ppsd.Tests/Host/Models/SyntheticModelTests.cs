using System.Text.Json;
using Ppsd.Host.Models;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using Ppsd.Host.Text.Tokens;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Models;

[Parallelizable(ParallelScope.All)]
public sealed class SyntheticModelTests
{
    private static readonly SyntheticModel _toy = new("toy", ExitLayer: 2, Scale: 1, Seed: 1);
    private static readonly StageSettings _cpu = new() { Devices = ["cpu"], Threads = 1 };

    [TestCase(0.5)]
    [TestCase(0.8)]
    public void Calibration_finds_a_scale_for_the_wanted_rate_and_finds_it_again(double alpha)
    {
        var calibration = new SyntheticCalibration(_toy, _cpu, new SamplingParameters());

        var (model, measured) = calibration.Calibrate(alpha);

        Assert.That(measured, Is.EqualTo(alpha).Within(0.03));
        Assert.That(calibration.Calibrate(alpha), Is.EqualTo((model, measured)));
    }

    [TestCase("norm")]
    [TestCase("mlp")]
    [TestCase("transformer")]
    [TestCase("chain")]
    public async Task Where_later_layers_and_the_head_add_nothing_every_draft_is_right(string head)
    {
        var (_, stats) = await GenerateAsync("--synthetic-scale", "0", "--head", head, "--max-width", "1");
        Assert.That(stats.GetProperty("acceptance_rate").GetDouble(), Is.EqualTo(1));
    }

    [Test]
    public async Task Text_is_the_same_in_both_modes_and_however_the_model_is_cut()
    {
        var (expected, _) = await GenerateAsync("--synthetic-scale", "0.2", "--decode", "autoregressive");
        foreach (var cut in (string[])["8", "2,6", "1,1,1,1,1,1,1,1", "2,3,3"])
        {
            var (text, _) = await GenerateAsync("--synthetic-scale", "0.2", "--stage-layers", cut);
            Assert.That(text, Is.EqualTo(expected), cut);
            (text, _) = await GenerateAsync("--synthetic-scale", "0.2", "--stage-layers", cut, "--head", "chain");
            Assert.That(text, Is.EqualTo(expected), cut);
        }
    }

    [Test]
    public async Task A_keyed_prompt_has_so_many_tokens_and_is_the_same_every_time()
    {
        var result = await Cli.RunAsync([
            "generate",
            "--synthetic",
            "toy",
            "--prompt-tokens",
            "12",
            "--max-tokens",
            "2",
            "--json",
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.Output);
        Assert.That(
            json.RootElement.GetProperty("prompt_token_ids").EnumerateArray().Select(id => id.GetInt32()),
            Is.EqualTo(KeyedPrompt.Create(0, 12, 1000))
        );
    }

    [Test]
    public void Models_that_differ_have_different_fingerprints()
    {
        SyntheticModel[] models =
        [
            _toy,
            _toy with
            {
                Scale = 0.5f,
            },
            _toy with
            {
                ExitLayer = 3,
            },
            _toy with
            {
                Seed = 2,
            },
            _toy with
            {
                Head = "chain",
            },
            _toy with
            {
                Preset = "llama2-7b",
            },
        ];
        Assert.That(models.Select(model => model.Fingerprint), Is.Unique);
    }

    [Test]
    public void Text_of_a_model_without_words_is_token_ids()
    {
        var tokenizer = new TokenIdTokenizer(1000);
        Assert.That(tokenizer.Encode(" 12  7\n999 "), Is.EqualTo(new[] { 12, 7, 999 }));
        Assert.That(tokenizer.Decode([12, 7]), Is.EqualTo("12 7"));
        Assert.That(
            () => tokenizer.Encode("5 1000"),
            Throws.InstanceOf<TextException>().With.Message.Contains("'1000'")
        );
    }

    private static async Task<(string Tokens, JsonElement Stats)> GenerateAsync(params string[] options)
    {
        var result = await Cli.RunAsync([
            "generate",
            "--synthetic",
            "toy",
            "--exit-layer",
            "2",
            "--max-tokens",
            "40",
            "--ignore-eos",
            "--json",
            .. options,
            "1 2 3",
        ]);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.Output);
        return (json.RootElement.GetProperty("token_ids").GetRawText(), json.RootElement.GetProperty("stats").Clone());
    }
}
