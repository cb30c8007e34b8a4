using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A chain whose step nobody wants any more.</summary>
[OnSimulator]
public sealed class ChainEndTests
{
    private const int Depth = ToyChain.Depth;

    [TestCase("cpu")]
    [TestCase("simulator")]
    public void The_chain_of_a_step_that_dies_behind_the_layers_ends_and_its_rows_are_in_the_heads_caches(string name)
    {
        using var device = BackendUnderTest.Open(name);
        using var stage = ToyChain.Load(device.Backend);
        var isDead = false;
        int[] prompt = [1, 17];
        new SequenceRun(stage, 64, id: 1).Feed(prompt);
        stage.RunExitHead(prompt.Length, Depth);
        stage.BeginStep();
        Assert.That(stage.TryAppend(1, 100, prompt.Length - 1, 60, isCertain: false));
        Assert.That(stage.Forward([], () => isDead));

        isDead = true;
        stage.RunExitHead(0, Depth);

        // A device that has the whole chain queued cuts it behind the first step.
        for (var step = name == "cpu" ? 0 : 1; step < Depth; step++)
        {
            Assert.That(stage.Draft(0, new DraftToken[1], step), Is.Zero, $"step {step}");
        }

        Assert.That(stage.Commit(1, 100, prompt.Length + 1));
        Assert.That(stage.DraftBehind(1, parent: 100, token: 13, Depth - 1));
        var tokens = new int[Depth - 1];
        var behind = new float[Depth - 1][];
        for (var step = 0; step < Depth - 1; step++)
        {
            var drafts = new DraftToken[1];
            Assert.That(stage.Draft(0, drafts, step), Is.EqualTo(1));
            (tokens[step], behind[step]) = (drafts[0].Token, stage.DraftLogits(0, step).ToArray());
        }

        int[] text = [.. prompt, 60];
        new SequenceRun(stage, 64, id: 2).Feed(text);
        stage.RunChain(text.Length - 1, Depth, [13, .. tokens[..^1]]);
        for (var step = 1; step < Depth; step++)
        {
            Assert.That(
                stage.DraftLogits(text.Length - 1, step).ToArray(),
                Is.EqualTo(behind[step - 1]),
                $"step {step}"
            );
        }
    }
}
