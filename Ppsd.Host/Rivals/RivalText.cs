using System.Runtime.CompilerServices;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Actors.Stages;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Rivals;

/// <summary>A rival's decoder as a source of texts.</summary>
internal static class RivalText
{
    /// <summary>
    /// Starts a text. It is decoded by whoever reads its events, on the reader's thread, which no event leaves: a reader that
    /// waits for nothing else stays on the thread that loaded the model.
    /// </summary>
    public static RunningText Start(BlockDecoder decoder, StartSession request)
    {
        var isStopped = false;
        return new RunningText(
            cancellation => Events(decoder, request, () => isStopped, cancellation),
            () => isStopped = true
        );
    }

    /// <summary>Layers and devices it decodes on, in words.</summary>
    public static string Describe(BlockDecoder decoder)
    {
        var stages = decoder.Stages.Select(stage => stage.Description).ToList();
        return $"{string.Join(',', stages.Select(stage => stage.LayerCount))} layers on "
            + string.Join(" | ", stages.Select(stage => stage.Device).Distinct());
    }

    private static async IAsyncEnumerable<GenerationEvent> Events(
        BlockDecoder decoder,
        StartSession request,
        Func<bool> isStopped,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await Task.CompletedTask;
        using var events = decoder.Decode(request, isStopped).GetEnumerator();
        while (TryNext(events))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return events.Current;
        }
    }

    private static bool TryNext(IEnumerator<GenerationEvent> events)
    {
        try
        {
            return events.MoveNext();
        }
        catch (StageCapacityException e)
        {
            throw new UserErrorException(e.Message, e);
        }
        catch (InvalidOperationException e)
        {
            throw new GenerationException(GenerationFailure.Broken, e.Message);
        }
    }
}
