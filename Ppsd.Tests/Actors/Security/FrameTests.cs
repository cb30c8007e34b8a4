using System.Buffers.Binary;
using Ppsd.Actors.Remoting;

namespace Ppsd.Tests.Actors.Security;

/// <summary>Frames between nodes: whole, in order, and no memory for what is only announced.</summary>
public sealed class FrameTests
{
    private const int MaxFrameBytes = 32 << 20;

    [TestCase(true)]
    [TestCase(false)]
    public async Task Frames_of_all_sizes_arrive_as_they_were_sent(bool isProven)
    {
        int[] sizes = [1, 5, 4096, FrameReader.ShortBytes, FrameReader.ShortBytes + 1, 65_532, 65_536, 1_000_003, 3];
        byte[][] frames =
        [
            .. sizes.Select((size, i) => Enumerable.Range(0, size).Select(b => (byte)(b * 7 + i)).ToArray()),
        ];
        using var sent = new MemoryStream();
        var writer = new FrameWriter(sent);
        Assert.That(frames.Select(frame => writer.TryWrite(frame)), Is.All.True);
        writer.Complete();
        await writer.Done;
        Assert.That(writer.TryWrite(frames[0]), Is.False);

        using var arriving = new MemoryStream(sent.ToArray());
        var memory = new UnprovenMemory(MaxFrameBytes);
        var reader = new FrameReader(arriving, MaxFrameBytes, memory, () => isProven);
        foreach (var frame in frames)
        {
            Assert.That(await reader.ReadAsync(default), Is.EqualTo(frame));
        }

        Assert.That(await reader.ReadAsync(default), Is.Null);
        Assert.That(memory.Bytes, Is.Zero);
    }

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(MaxFrameBytes + 1)]
    public void A_length_that_no_frame_has_ends_the_connection(int length) =>
        Assert.That(
            async () => await Reader(Announced(length, sent: 10), new UnprovenMemory(MaxFrameBytes)).ReadAsync(default),
            Throws
                .TypeOf<InvalidDataException>()
                .With.Message.Contains($"expected 1 to {MaxFrameBytes} bytes, found {length}")
        );

    [Test]
    public async Task What_is_announced_by_a_stranger_takes_no_more_than_it_sends()
    {
        var memory = new UnprovenMemory(MaxFrameBytes);
        using var waiting = new StallingStream(Announced(MaxFrameBytes, sent: 300_000));
        var reading = Reader(waiting, memory).ReadAsync(default).AsTask();
        await waiting.Stalled;
        Assert.That(memory.Bytes, Is.InRange(300_000, 2 * 300_000));
        waiting.Dispose();
        Assert.That(async () => await reading, Throws.InstanceOf<Exception>());
        Assert.That(memory.Bytes, Is.Zero);
    }

    [Test]
    public async Task Strangers_share_what_one_long_frame_may_take()
    {
        var memory = new UnprovenMemory(4 << 20);
        var streams = Enumerable
            .Range(0, 60)
            .Select(_ => new StallingStream(Announced(MaxFrameBytes, sent: 1 << 20)))
            .ToList();
        var readings = streams.ConvertAll(stream => Reader(stream, memory).ReadAsync(default).AsTask());
        await Task.WhenAll(streams.Zip(readings, (stream, reading) => Task.WhenAny(stream.Stalled, reading)));
        Assert.That(memory.Bytes, Is.LessThanOrEqualTo(4 << 20));
        Assert.That(readings.Count(reading => reading.IsFaulted), Is.GreaterThan(50));
        streams.ForEach(stream => stream.Dispose());
    }

    private static FrameReader Reader(Stream stream, UnprovenMemory memory) =>
        new(stream, MaxFrameBytes, memory, () => false);

    private static FrameReader Reader(byte[] bytes, UnprovenMemory memory) => Reader(new MemoryStream(bytes), memory);

    private static byte[] Announced(int length, int sent)
    {
        var bytes = new byte[sizeof(int) + sent];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        return bytes;
    }

    /// <summary>A peer that sends so much and then nothing until the connection is closed.</summary>
    private sealed class StallingStream(byte[] bytes) : MemoryStream(bytes)
    {
        private readonly TaskCompletionSource _stalled = new();
        private readonly TaskCompletionSource _closed = new();

        public Task Stalled => _stalled.Task;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            if (await base.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            {
                return read;
            }

            _stalled.TrySetResult();
            await _closed.Task;
            throw new IOException("closed");
        }

        protected override void Dispose(bool disposing)
        {
            _closed.TrySetResult();
            base.Dispose(disposing);
        }
    }
}
