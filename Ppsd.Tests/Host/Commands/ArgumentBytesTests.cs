using System.Diagnostics;
using Ppsd.Host;
using Ppsd.Host.Commands;

namespace Ppsd.Tests.Host.Commands;

/// <summary>A prompt that is not UTF-8 never becomes another one silently.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ArgumentBytesTests
{
    [Test]
    [Platform("Linux")]
    public async Task An_argument_that_is_not_utf8_is_refused()
    {
        var program = Path.Combine(TestContext.CurrentContext.TestDirectory, "ppsd.dll");
        using var shell = Process.Start(
            new ProcessStartInfo("bash", ["-c", $"dotnet {program} generate $'caf\\xe9' --stop ''"])
            {
                RedirectStandardError = true,
            }
        )!;
        var error = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.That(
            (shell.ExitCode, error),
            Is.EqualTo((2, "ppsd: argument 2: expected UTF-8, found other bytes in 'caf\uFFFD'\n"))
        );
    }

    [Test]
    public void The_character_that_stands_for_other_bytes_may_be_meant() =>
        Assert.That(
            () => ArgumentBytes.Check(["a", "\uFFFD", ""], "dotnet\0ppsd.dll\0a\0\uFFFD\0\0"u8),
            Throws.Nothing
        );

    [Test]
    public void Bytes_that_nobody_shows_are_not_judged() =>
        Assert.That(() => ArgumentBytes.Check(["\uFFFD"], []), Throws.Nothing);

    [Test]
    public void What_starts_the_program_is_not_judged() =>
        Assert.That(() => ArgumentBytes.Check(["\uFFFD"], [0xFF, 0, .. "\uFFFD"u8, 0]), Throws.Nothing);

    [Test]
    public void The_last_argument_may_be_the_one() =>
        Assert.That(
            () => ArgumentBytes.Check(["a", "\uFFFD"], [.. "x\0a\0"u8, 0xC3, 0]),
            Throws.TypeOf<UserErrorException>().With.Message.StartsWith("argument 2: expected UTF-8")
        );
}
