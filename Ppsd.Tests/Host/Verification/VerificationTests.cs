using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Host.Verification;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Verification;

/// <summary>The law, end to end on the tiny models, by the checks that <c>ppsd verify</c> offers for any device.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class VerificationTests
{
    [TestCase(TestModels.Tiny)]
    [TestCase(TestModels.Tiny3)]
    public void Widths_chunks_and_cuts_change_no_bit(string model)
    {
        var device = Device(TestModels.Folder(model), exitHead: null);

        Assert.That(new BitIdentityChecks(device).Run().Where(finding => !finding.Passed), Is.Empty);
        Assert.That(device.Finite.Result().Passed, device.Finite.Result().Detail);
    }

    [Test]
    public async Task A_step_of_more_candidates_changes_no_bit_and_no_text()
    {
        using var folder = new TemporaryFolder();
        ExitHeadFolder.WriteNorm(TestModels.Tiny, 2, folder.FullPath);
        var device = Device(TestModels.Folder(TestModels.Tiny), folder.FullPath, stepRows: 17);
        var findings = new BitIdentityChecks(device).Run().ToList();
        await foreach (var finding in new DecodeModeChecks(device, TimeProvider.System).RunAsync())
        {
            findings.Add(finding);
        }

        Assert.That(findings[0].Name, Is.EqualTo("rows at widths 1 to 17"));
        Assert.That(findings.Where(finding => !finding.Passed), Is.Empty);
    }

    [TestCase(TestModels.Tiny, 2)]
    [TestCase(TestModels.Tiny3, 3)]
    public async Task Both_modes_give_the_same_tokens_for_every_cut_beside_other_sessions(string model, int exitLayer)
    {
        using var folder = new TemporaryFolder();
        ExitHeadFolder.WriteNorm(model, exitLayer, folder.FullPath);
        var device = Device(TestModels.Folder(model), folder.FullPath);
        var findings = new List<Finding>();
        await foreach (var finding in new DecodeModeChecks(device, TimeProvider.System).RunAsync())
        {
            findings.Add(finding);
        }

        Assert.That(findings.Where(finding => !finding.Passed), Is.Empty);
        Assert.That(
            findings.Count(finding => finding.Detail.Contains("alpha")),
            Is.GreaterThan(0),
            "nothing was drafted"
        );
    }

    [Test]
    public async Task A_chain_head_passes_and_changes_no_text()
    {
        var head = TestModels.Shared("models", "gsm-llama-exit4-chain");
        var device = Device(TestModels.Folder(TestModels.Gsm), head);
        var checks = new ChainChecks(device);
        List<Finding> findings =
        [
            .. checks.Run(),
            checks.Logits(TestModels.Shared("goldens", "gsm-llama-exit4-chain.golden.safetensors")),
        ];
        await foreach (var finding in new DecodeModeChecks(device, TimeProvider.System).RunAsync())
        {
            findings.Add(finding);
        }

        Assert.That(findings.Where(finding => !finding.Passed), Is.Empty);
        Assert.That(findings, Has.Count.GreaterThan(10));
    }

    [Test]
    public async Task A_synthetic_model_is_verified_by_token_ids()
    {
        var result = await Cli.RunAsync(["verify", "--synthetic", "toy", "--exit-layer", "1", "--device", "cpu"]);

        Assert.That(result.Output, Does.Contain("texts of up to 48 tokens identical").And.Contain("all checks passed"));
        Assert.That(result.ExitCode, Is.Zero, result.Error);
    }

    [Test]
    public void Goldens_pass_on_the_bundled_model_and_fail_on_other_weights()
    {
        var device = Device(TestModels.Folder(TestModels.Tiny), exitHead: null);

        var right = new GoldenChecks(device, TestModels.Golden(TestModels.Tiny)).Run().ToList();
        var wrong = new GoldenChecks(
            Device(TestModels.Folder(TestModels.Tiny), exitHead: null, Ppsd.Kernels.Model.RopeFrequencies.Float32),
            TestModels.Golden(TestModels.Tiny)
        )
            .Run()
            .ToList();

        Assert.That(right.Where(finding => !finding.Passed), Is.Empty);
        Assert.That(wrong.Where(finding => !finding.Passed), Is.Not.Empty, "the checks must be able to fail");
    }

    /// <summary>Two NaNs are equal, so comparisons alone would pass.</summary>
    [TestCase("lm_head.weight")]
    [TestCase("model.layers.3.mlp.down_proj.weight")]
    public async Task A_model_with_a_row_of_nan_fails(string tensor)
    {
        using var folder = new TemporaryFolder();
        ChangedModel.WriteWithNaNRow(TestModels.Tiny, tensor, folder.FullPath);
        var device = Device(folder.FullPath, exitHead: null);

        var bits = new BitIdentityChecks(device).Run().ToList();
        var modes = new List<Finding>();
        await foreach (var finding in new DecodeModeChecks(device, TimeProvider.System).RunAsync())
        {
            modes.Add(finding);
        }

        Assert.That(device.Finite.Result().Passed, Is.False);
        Assert.That(device.Finite.Result().Detail, Does.Contain("NaN"));
        Assert.That(bits, Is.Not.Empty);
        Assert.That(modes.Select(finding => finding.Passed), Has.All.False);
        Assert.That(modes[0].Detail, Does.Contain("logits are not finite (NaN or infinity)"));
    }

    private static VerifiedDevice Device(
        string model,
        string? exitHead,
        Ppsd.Kernels.Model.RopeFrequencies frequencies = Ppsd.Kernels.Model.RopeFrequencies.CheckpointType,
        int stepRows = 0
    ) =>
        new(
            ModelAssets.Open(model, exitHead, TimeProvider.System),
            new StageSettings
            {
                Devices = ["cpu"],
                Threads = 1,
                KvCacheBytes = 16 << 20,
                RopeFrequencies = frequencies,
                StepRows = stepRows,
            }
        );
}
