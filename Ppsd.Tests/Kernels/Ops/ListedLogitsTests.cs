using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Logits of listed tokens go to their places, and nothing else is left in a row.</summary>
[OnSimulator]
public sealed class ListedLogitsTests
{
    private static readonly string[] _devices = ["cpu", "simulator"];

    [Test]
    public void Each_token_has_its_logit_or_minus_infinity([ValueSource(nameof(_devices))] string name)
    {
        const int VocabSize = 300;
        int[] tokens = [0, 1, 7, 63, 64, 255, 256, 299];
        using var device = BackendUnderTest.Open(name);
        var listed = device.Owned(device.Backend.AllocateListed(3, VocabSize, tokens));
        var logits = device.Poisoned(3, VocabSize);
        float[][] values =
        [
            .. Enumerable.Range(0, 3).Select(row => tokens.Select(token => row * 1000f + token).ToArray()),
        ];
        device.Backend.Upload([.. values.SelectMany(row => row)], listed.Listed, 3);

        // The last row is not asked for and stays as it is.
        listed.Spread(logits, 2);

        var found = device.Read(logits, 3);
        for (var row = 0; row < 2; row++)
        {
            for (var token = 0; token < VocabSize; token++)
            {
                var expected = tokens.Contains(token) ? row * 1000f + token : float.NegativeInfinity;
                Assert.That(found[row][token], Is.EqualTo(expected), $"row {row}, token {token}");
            }
        }

        Assert.That(found[2], Has.All.NaN);
    }
}
