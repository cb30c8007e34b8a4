using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Standard output, for results alone. Where it is not a terminal the program claims it as it starts: what a library
/// writes to the console is on standard error from then on, and a result that cannot be written ends the program.
/// </summary>
internal static class StandardOutput
{
    private const int Descriptor = 1;

    private static TextWriter? _claimed;

    /// <summary>Where results go.</summary>
    public static TextWriter Writer => _claimed ?? Console.Out;

    /// <summary>Claims it; called once, before anything else writes.</summary>
    public static void Claim()
    {
        if (!Console.IsOutputRedirected)
        {
            return;
        }

        _claimed = TextWriter.Synchronized(
            new StreamWriter(new ResultStream(OpenStream()), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
            {
                AutoFlush = true,
            }
        );
        Console.SetOut(Console.Error);
    }

    /// <summary>Writes a line of a result.</summary>
    public static void WriteLine(string line) => Writer.WriteLine(line);

    /// <summary>
    /// The console's stream ignores a broken pipe, and the program would go on without a reader. A stream over the
    /// descriptor reports it. Not for files: such a stream keeps a position of its own and would overwrite what
    /// standard error writes to the same file.
    /// </summary>
    private static Stream OpenStream()
    {
        if (OperatingSystem.IsWindows())
        {
            return Console.OpenStandardOutput();
        }

        var pipe = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return pipe.CanSeek ? Console.OpenStandardOutput() : pipe;
    }

    /// <summary>A stream whose errors say what cannot be written.</summary>
    private sealed class ResultStream(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            try
            {
                inner.Write(buffer);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The second is what .NET makes of a descriptor that is closed, or not open for writing.
                throw new IOException($"standard output cannot be written: {e.Message}", e);
            }
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
