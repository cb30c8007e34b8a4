using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class CheckpointExceptionTests
{
    [Test]
    public void A_message_is_one_line_whatever_names_it_quotes()
    {
        var refusal = new CheckpointException("tensor 'a\nb\r\u2028\u0085\ud800' is odd");

        Assert.That(refusal.Message, Is.EqualTo(@"tensor 'a b \ud800' is odd"));
    }

    [Test]
    public void A_long_name_does_not_push_out_what_was_expected_and_found()
    {
        var refusal = CheckpointException.Mismatch("model.safetensors", new string('x', 100_000), "this", "that");

        Assert.That(
            refusal.Message,
            Does.StartWith("model.safetensors: xxx").And.EndsWith(": expected this, found that")
        );
        Assert.That(refusal.Message, Has.Length.LessThan(500));
    }

    [Test]
    public void The_whole_message_is_bounded()
    {
        Assert.That(new CheckpointException(new string('x', 100_000)).Message, Has.Length.LessThan(1100));
    }
}
