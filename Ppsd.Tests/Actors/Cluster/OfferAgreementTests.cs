using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Nodes that compute differently are no stages of one pipeline, and are told in what they differ.</summary>
public sealed class OfferAgreementTests
{
    [Test]
    public void A_setting_that_differs_is_named_with_both_values() =>
        Assert.That(
            OfferAgreement.Difference(Offer("rope-frequencies=checkpoint"), Offer("rope-frequencies=fp32")),
            Is.EqualTo("--rope-frequencies fp32, the others --rope-frequencies checkpoint")
        );

    [Test]
    public void Another_model_is_named_by_its_fingerprint_and_layers() =>
        Assert.That(
            OfferAgreement.Difference(Offer(), Offer() with { ModelFingerprint = "fedcba98765432", LayerCount = 9 }),
            Is.EqualTo("another model: fedcba987654 of 9 layers, the others 0123456789ab of 8 layers")
        );

    [Test]
    public void A_setting_that_one_of_two_does_not_have_keeps_them_not_apart()
    {
        var cpu = Offer("rope-frequencies=fp32");
        var card = Offer("rope-frequencies=fp32", "kv-type=bf16");
        Assert.That(OfferAgreement.Difference(cpu, card), Is.Null);
        Assert.That(OfferAgreement.Difference(card, cpu), Is.Null);
        Assert.That(
            OfferAgreement.Difference(card, Offer("kv-type=fp32")),
            Is.EqualTo("--kv-type fp32, the others --kv-type bf16")
        );
    }

    [Test]
    public void The_many_measure_the_few_and_the_first_one_of_two()
    {
        var odd = Offer("rope-frequencies=fp32");
        var usual = Offer("rope-frequencies=checkpoint");
        Assert.That(OfferAgreement.Reference([odd, usual, usual]), Is.SameAs(usual));
        Assert.That(OfferAgreement.Reference([odd, usual]), Is.SameAs(odd));
        Assert.That(OfferAgreement.Reference([]), Is.Null);
    }

    private static StageOffered Offer(params string[] arithmetic) =>
        new()
        {
            ModelFingerprint = "0123456789abcdef",
            LayerCount = 8,
            Arithmetic = arithmetic,
        };
}
