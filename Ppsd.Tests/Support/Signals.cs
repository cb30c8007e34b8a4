using System.Runtime.InteropServices;

namespace Ppsd.Tests.Support;

/// <summary>Sends signals without a program in between, which would first have to be started.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends a signal to a process of ours, which must still be there.</summary>
    public static void Send(int process, int signal) => Assert.That(SendSignal(process, signal), Is.Zero);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
