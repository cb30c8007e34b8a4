using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>
/// A host's network card whose cable ends in this process: Ethernet frames that the host sends are read here, and frames written
/// here are what it receives. It may be moved into a network namespace, and goes when it is disposed of.
/// </summary>
internal sealed partial class TapDevice : IDisposable
{
    /// <summary>Longest frame: 1500 bytes of payload, two addresses, a type and room for a tag.</summary>
    public const int MaxFrame = 1518;

    private const string Source = "/dev/net/tun";
    private const nuint SetInterface = 0x400454ca;
    private const short TapWithoutHeader = 0x0002 | 0x1000;
    private const int NameLength = 16;
    private const int RequestLength = 40;
    private const short Readable = 1;

    private readonly SafeFileHandle _handle;

    private TapDevice(SafeFileHandle handle, string name)
    {
        _handle = handle;
        Name = name;
    }

    /// <summary>As <c>ip link</c> calls it.</summary>
    public string Name { get; }

    /// <summary>Makes one.</summary>
    /// <param name="name">At most 15 characters.</param>
    /// <exception cref="Win32Exception">The kernel makes none.</exception>
    /// <exception cref="IOException">There are none here.</exception>
    /// <exception cref="UnauthorizedAccessException">Not for this user.</exception>
    public static TapDevice Create(string name)
    {
        var handle = File.OpenHandle(Source, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        Encoding.ASCII.GetBytes(name, request[..(NameLength - 1)]);
        MemoryMarshal.Write(request[NameLength..], TapWithoutHeader);
        if (Control(handle, SetInterface, ref MemoryMarshal.GetReference(request)) != 0)
        {
            var error = new Win32Exception(Marshal.GetLastPInvokeError());
            handle.Dispose();
            throw error;
        }

        return new TapDevice(handle, name);
    }

    /// <summary>Waits for a frame of the host's.</summary>
    /// <param name="frame">Receives it.</param>
    /// <param name="patience">How long to wait.</param>
    /// <returns>Its length; 0 when none came.</returns>
    public int Read(Span<byte> frame, TimeSpan patience)
    {
        var waiting = new Waiting { Descriptor = (int)_handle.DangerousGetHandle(), Events = Readable };
        if (Poll(ref waiting, 1, (int)patience.TotalMilliseconds) <= 0)
        {
            return 0;
        }

        return (int)Math.Max(0, Read(_handle, ref MemoryMarshal.GetReference(frame), (nuint)frame.Length));
    }

    /// <summary>Gives the host a frame. One that it does not take (the device is down, its queue full) is lost, as on a wire.</summary>
    public void Write(ReadOnlySpan<byte> frame) =>
        Write(_handle, ref MemoryMarshal.GetReference(frame), (nuint)frame.Length);

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle handle, nuint request, ref byte argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref Waiting waiting, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle handle, ref byte buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle handle, ref byte buffer, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct Waiting
    {
        public int Descriptor;
        public short Events;
        public short Occurred;
    }
}
