using System.Buffers.Binary;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// Sends frames, each after its length (int32, little-endian), in order. The caller's thread sends a frame as far as
/// the connection accepts it at once, so that no other thread has to wake; frames that arrive while a send waits for
/// the network are then sent together. Thread-safe.
/// </summary>
internal sealed class FrameWriter(Stream stream)
{
    private const int LengthBytes = sizeof(int);
    private const int BatchBytes = 64 << 10;

    private readonly Lock _lock = new();
    private readonly Queue<ReadOnlyMemory<byte>> _waiting = new();
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _batch = new byte[1 << 10];
    private bool _isSending;
    private bool _isClosed;

    /// <summary>Completes when, after <see cref="Complete"/>, the last frame has been sent or sending has failed.</summary>
    public Task Done => _done.Task;

    /// <summary>Queues a frame; false when the connection is closed.</summary>
    /// <param name="frame">Not to be changed afterwards.</param>
    public bool TryWrite(ReadOnlyMemory<byte> frame)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return false;
            }

            _waiting.Enqueue(frame);
            if (_isSending)
            {
                return true;
            }

            _isSending = true;
        }

        _ = SendAsync();
        return true;
    }

    /// <summary>Accepts no more frames; queued ones are still sent.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _isClosed = true;
            if (!_isSending)
            {
                _done.TrySetResult();
            }
        }
    }

    private async Task SendAsync()
    {
        try
        {
            while (TryGather(out var batched, out var rest))
            {
                await stream.WriteAsync(_batch.AsMemory(0, batched)).ConfigureAwait(false);
                if (!rest.IsEmpty)
                {
                    await stream.WriteAsync(rest).ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The reader of the connection gets the same error and reports it.
            lock (_lock)
            {
                _isClosed = true;
                _waiting.Clear();
            }

            _done.TrySetResult();
        }
    }

    /// <summary>
    /// Fills the batch with waiting frames; of a larger frame only its start, and the rest stays queued. False when
    /// there is none.
    /// </summary>
    private bool TryGather(out int batched, out ReadOnlyMemory<byte> rest)
    {
        lock (_lock)
        {
            batched = 0;
            rest = default;
            if (_waiting.Count == 0)
            {
                _isSending = false;
                if (_isClosed)
                {
                    _done.TrySetResult();
                }

                return false;
            }

            while (rest.IsEmpty && _waiting.TryPeek(out var frame))
            {
                var isFirst = batched == 0;
                if (!isFirst && batched + LengthBytes + frame.Length > BatchBytes)
                {
                    break;
                }

                var here = Math.Min(frame.Length, BatchBytes - LengthBytes);
                Reserve(batched + LengthBytes + here);
                BinaryPrimitives.WriteInt32LittleEndian(_batch.AsSpan(batched), frame.Length);
                frame.Span[..here].CopyTo(_batch.AsSpan(batched + LengthBytes));
                batched += LengthBytes + here;
                rest = frame[here..];
                _waiting.Dequeue();
            }

            return true;
        }
    }

    private void Reserve(int bytes)
    {
        if (_batch.Length < bytes)
        {
            Array.Resize(ref _batch, Math.Max(bytes, Math.Min(BatchBytes, 2 * _batch.Length)));
        }
    }
}
