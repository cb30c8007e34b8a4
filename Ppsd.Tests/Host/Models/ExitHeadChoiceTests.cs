using Ppsd.Host.Models;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Models;

/// <summary>Which exit head drafts where none is named.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ExitHeadChoiceTests
{
    private static readonly ModelConfig Model = ModelConfig.Read(TestModels.Folder(TestModels.Gsm));

    private static readonly string Fingerprint = ExitHeadConfig.Read(TestModels.GsmExitHead).Verifier.WeightsSha256;

    [Test]
    public void The_kind_comes_first_and_then_the_distance_to_a_quarter_of_the_layers()
    {
        ExitHeadConfig[] heads =
        [
            Head(ExitHeadKind.Norm, 4),
            Head(ExitHeadKind.Chain, 4),
            Head(ExitHeadKind.Transformer, 8),
            Head(ExitHeadKind.Mlp, 4),
            Head(ExitHeadKind.Transformer, 2),
            Head(ExitHeadKind.Transformer, 5),
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ranked(heads), Is.EqualTo("Transformer 5, Transformer 2, Transformer 8"));
            Assert.That(Ranked(heads[..2]), Is.EqualTo("Chain 4"));
            Assert.That(Ranked([heads[0], heads[3]]), Is.EqualTo("Mlp 4"));
            Assert.That(Ranked(heads[..1]), Is.EqualTo("Norm 4"));
            Assert.That(Ranked([]), Is.Empty);
        }
    }

    [Test]
    public void Of_two_equally_near_heads_the_shallower_is_taken_in_whatever_order_they_are_found()
    {
        ExitHeadConfig[] heads = [Head(ExitHeadKind.Mlp, 6), Head(ExitHeadKind.Mlp, 2)];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Ranked(heads), Is.EqualTo("Mlp 2, Mlp 6"));
            Assert.That(Ranked([heads[1], heads[0]]), Is.EqualTo("Mlp 2, Mlp 6"));
        }
    }

    [Test]
    public void Of_two_heads_of_a_kind_after_one_layer_the_first_found_is_taken()
    {
        var first = Head(ExitHeadKind.Transformer, 4) with { ConfigPath = "a" };
        Assert.That(ExitHeadChoice.Rank([first, first with { ConfigPath = "b" }]), Is.EqualTo([first]));
    }

    [Test]
    public void The_bundled_model_drafts_with_the_transformer_head_after_layer_4_and_offers_those_of_its_kind()
    {
        var heads = ModelFinder.FindExitHeads(TestModels.Folder(TestModels.Gsm), Fingerprint);
        Assert.That(
            heads.Select(head => Path.GetFileName(Path.GetDirectoryName(head.ConfigPath))),
            Is.EqualTo([
                "gsm-llama-exit4",
                "gsm-llama-exit2",
                "gsm-llama-exit6",
                "gsm-llama-exit8",
                "gsm-llama-exit10",
                "gsm-llama-exit12",
            ])
        );
    }

    [Test]
    public void Heads_beside_a_model_go_before_bundled_ones()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("own"));
        folder.Write("own/config.json", File.ReadAllText(Path.Combine(TestModels.GsmExitHead, "config.json")));
        var heads = ModelFinder.FindExitHeads(folder.File("model"), Fingerprint);
        Assert.That(heads.Select(head => head.ConfigPath), Is.EqualTo([folder.File("own/config.json")]));
    }

    private static ExitHeadConfig Head(ExitHeadKind kind, int exitLayer) =>
        ExitHeadConfig.OfNorm(Model, exitLayer) with
        {
            Kind = kind,
        };

    private static string Ranked(IReadOnlyList<ExitHeadConfig> heads) =>
        string.Join(", ", ExitHeadChoice.Rank(heads).Select(head => $"{head.Kind} {head.ExitLayer}"));
}
