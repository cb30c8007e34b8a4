using System.Diagnostics;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Measurement;

/// <summary>
/// Times whole steps of a model on one device, from a token to the next one, and checks that rows are the same bits
/// whatever the width of their step and however the prompt before them was cut. The model must hold all layers.
/// </summary>
/// <param name="model">The model; stays the caller's.</param>
/// <param name="vocabSize">Its token ids.</param>
/// <param name="kvBytesPerToken">Bytes of keys and values a row reads per token of its context.</param>
public sealed class StepMeasurement(StageModel model, int vocabSize, long kvBytesPerToken)
{
    private const int Rounds = 40;
    private long _nextSequence = 1;

    /// <summary>Times steps of some widths at a context length: candidates of one session that follow one another.</summary>
    public IEnumerable<StepTiming> Measure(int context, params int[] widths)
    {
        foreach (var width in widths)
        {
            var sequence = Open(context + width);
            Prefill(sequence, context - 1, model.MaxRows);
            var timing = Time(
                context,
                width,
                context * kvBytesPerToken,
                round =>
                {
                    for (var i = context - 1; i < context - 1 + width; i++)
                    {
                        Append(sequence, i, round);
                    }
                },
                () => Require(model.Rollback(sequence, context - 2, context - 1))
            );
            model.Release(sequence);
            yield return timing;
        }
    }

    /// <summary>Times steps that hold the next token of some sessions each, as serving many at once does.</summary>
    public IEnumerable<StepTiming> MeasureSessions(int context, params int[] counts)
    {
        var sequences = new List<long>();
        foreach (var count in counts.Order())
        {
            while (sequences.Count < count)
            {
                sequences.Add(Open(context + 1));
                Prefill(sequences[^1], context - 1, model.MaxRows);
            }

            yield return Time(
                context,
                count,
                count * context * kvBytesPerToken,
                round => sequences.ForEach(sequence => Append(sequence, context - 1, round)),
                () => sequences.ForEach(sequence => Require(model.Rollback(sequence, context - 2, context - 1)))
            );
        }

        sequences.ForEach(model.Release);
    }

    private StepTiming Time(int context, int width, long kvBytes, Action<int> append, Action rollback)
    {
        var deviceMs = new List<double>();
        var wallMs = new List<double>();
        var allocated = 0L;
        for (var round = -5; round < Rounds; round++)
        {
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            model.BeginStep();
            append(round);
            Require(model.Forward(default, _never));
            model.RunTargetHead(0);
            for (var row = 0; row < width; row++)
            {
                _ = model.Verdict(row);
            }

            var wall = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            rollback();
            if (round >= 0)
            {
                deviceMs.Add(model.StepDeviceMs);
                wallMs.Add(wall);
            }
        }

        return new StepTiming(
            context,
            width,
            Spread.Median(deviceMs),
            Spread.Median(wallMs),
            model.WeightBytes + kvBytes,
            allocated
        );
    }

    /// <summary>Median milliseconds of a prompt's steps, from its first token to the hidden states of its last.</summary>
    public double MeasurePrefillMs(int length)
    {
        var ms = new List<double>();
        for (var round = -1; round < 5; round++)
        {
            var sequence = Open(length);
            var start = Stopwatch.GetTimestamp();
            Prefill(sequence, length, model.MaxRows);
            if (round >= 0)
            {
                ms.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            model.Release(sequence);
        }

        return Spread.Median(ms);
    }

    /// <summary>
    /// Median milliseconds that a cancelled step still costs the next one: from the cancel, in the middle of a step, to
    /// the end of the step after it, less what that step takes alone.
    /// </summary>
    public double MeasureCancelMs(int context)
    {
        var alone = Measure(context, 1).First().WallMs;
        var sequence = Open(context + 1);
        Prefill(sequence, context - 1, model.MaxRows);
        var ms = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var cancelled = 0L;
            model.BeginStep();
            Require(model.TryAppend(sequence, context - 1, context - 2, Token(round), isCertain: false));
            var completed = model.Forward(
                default,
                () =>
                {
                    if (cancelled == 0 && Stopwatch.GetElapsedTime(start).TotalMilliseconds > alone / 3)
                    {
                        cancelled = Stopwatch.GetTimestamp();
                    }

                    return cancelled != 0;
                }
            );
            Require(!completed && model.Rollback(sequence, context - 2, context - 1));
            AppendChain(sequence, context - 1, 1, round);
            model.RunTargetHead(0);
            _ = model.Verdict(0);
            ms.Add(Stopwatch.GetElapsedTime(cancelled).TotalMilliseconds - alone);
            Require(model.Rollback(sequence, context - 2, context - 1));
        }

        model.Release(sequence);
        return Spread.Median(ms);
    }

    /// <summary>
    /// Rows whose target logits are not the same bits at width 1 and at a greater width, of all rows at some widths.
    /// </summary>
    public int CountRowsThatDependOnWidth(int context, params int[] widths)
    {
        var different = 0;
        var alone = Logits(context, width: 1, rows: widths.Max());
        foreach (var width in widths)
        {
            var together = Logits(context, width, width);
            for (var row = 0; row < width; row++)
            {
                different += alone[row].AsSpan().SequenceEqual(together[row]) ? 0 : 1;
            }
        }

        return different;
    }

    /// <summary>True when the logits after a prompt are the same bits whatever the chunks it was cut into.</summary>
    public bool PrefillIsIndependentOfChunks(int length)
    {
        var expected = AfterPrompt(model.MaxRows);
        return ((int[])[1, 7, 8, 33]).All(chunk => AfterPrompt(chunk).AsSpan().SequenceEqual(expected));

        float[] AfterPrompt(int chunk)
        {
            var sequence = Open(length);
            Prefill(sequence, length, chunk);
            model.RunTargetHead(model.RowCount - 1);
            float[] logits = [.. model.TargetLogits(model.RowCount - 1)];
            model.Release(sequence);
            return logits;
        }
    }

    private float[][] Logits(int context, int width, int rows)
    {
        var sequence = Open(context + rows);
        Prefill(sequence, context - 1, model.MaxRows);
        var logits = new List<float[]>();
        for (var first = 0; first < rows; first += width)
        {
            AppendChain(sequence, context - 1 + first, width, round: 0);
            model.RunTargetHead(0);
            for (var row = 0; row < width; row++)
            {
                logits.Add([.. model.TargetLogits(row)]);
            }

            Require(model.Commit(sequence, context - 2 + first + width, context - 1 + first + width));
        }

        model.Release(sequence);
        return [.. logits];
    }

    private long Open(int capacity)
    {
        model.Open(_nextSequence, capacity, capacity, new SamplingParameters());
        return _nextSequence++;
    }

    private void Prefill(long sequence, int length, int chunk)
    {
        for (var first = 0; first < length; first += chunk)
        {
            model.BeginStep();
            for (var i = first; i < Math.Min(first + chunk, length); i++)
            {
                Require(model.TryAppend(sequence, i, i - 1, Token(i), isCertain: true));
            }

            Require(model.Forward(default, () => false));
        }
    }

    /// <summary>A step of candidates that follow one another; candidates are numbered like positions.</summary>
    private void AppendChain(long sequence, int position, int width, int round)
    {
        model.BeginStep();
        for (var i = position; i < position + width; i++)
        {
            Append(sequence, i, round);
        }

        Require(model.Forward(default, _never));
    }

    private void Append(long sequence, int position, int round) =>
        Require(model.TryAppend(sequence, position, position - 1, Token(position + 7 * round), isCertain: false));

    private static readonly Func<bool> _never = () => false;

    private int Token(int position) => (int)((uint)position * 2654435761u % (uint)vocabSize);

    private static void Require(bool succeeded)
    {
        if (!succeeded)
        {
            throw new InvalidOperationException("a step of the measurement was not accepted");
        }
    }
}
