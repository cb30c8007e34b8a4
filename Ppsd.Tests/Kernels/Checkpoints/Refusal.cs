using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>Catches a refusal and checks what holds for all of them.</summary>
internal static class Refusal
{
    /// <summary>The message of the refusal, which must be one line of bearable length.</summary>
    public static string Of(Action action)
    {
        var message = Assert.Throws<CheckpointException>(action)!.Message;
        Assert.That(message, Is.Not.Empty.And.Length.LessThan(1100));
        Assert.That(message.Any(character => char.IsControl(character)), Is.False, message);
        return message;
    }
}
