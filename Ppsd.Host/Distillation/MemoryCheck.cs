using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Distillation.Memory;

namespace Ppsd.Host.Distillation;

/// <summary>Whether a run fits its devices, worked out before anything is loaded.</summary>
/// <param name="settings">The run.</param>
/// <param name="config">The model's shape.</param>
/// <param name="length">Longest sequence of the data.</param>
/// <param name="sizesOf">Sizes on a device, by its name.</param>
internal sealed class MemoryCheck(
    DistillSettings settings,
    ModelConfig config,
    int length,
    Func<string, TrainingSizes> sizesOf
)
{
    /// <summary>What a process takes beside: code, buffers of files, texts and the tokenizer.</summary>
    private const long ReserveBytes = 192L << 20;

    private const int ShortestSequence = 64;

    /// <summary>Asks the devices.</summary>
    /// <exception cref="UserErrorException">One has less room than the run takes.</exception>
    /// <exception cref="Kernels.Devices.DeviceException">There is no such device, or it cannot be used; one line.</exception>
    public static void Require(DistillSettings settings, ModelConfig config, int length)
    {
        var check = new MemoryCheck(
            settings,
            config,
            length,
            name => TrainingDeviceCatalog.SizesOf(name, settings.Threads)
        );
        if (check.Refusal(TrainingDeviceCatalog.FreeBytesOf) is { } refusal)
        {
            throw new UserErrorException(refusal);
        }
    }

    /// <summary>What the run takes of a device.</summary>
    public TrainingFootprint FootprintOn(string device) =>
        FootprintOn(device, settings.Heads, settings.TrainerOf(length));

    /// <summary>Why the run does not fit, in one line; null when it does.</summary>
    /// <param name="freeBytesOf">Bytes that a device has free, by its name.</param>
    public string? Refusal(Func<string, long> freeBytesOf)
    {
        foreach (var device in settings.Devices.Distinct())
        {
            var free = freeBytesOf(device);
            var needed = FootprintOn(device);
            if (needed.Total + ReserveBytes > free)
            {
                return $"--device {device}: training takes {Gibibytes(needed.Total + ReserveBytes)} GiB ({Parts(needed)}), {Gibibytes(free)} are free; {Advice(device, free)}";
            }
        }

        return null;
    }

    private static string Parts(TrainingFootprint needed) =>
        $"model {Gibibytes(needed.Model)}, heads with gradients and moments {Gibibytes(needed.Heads)}, activations {Gibibytes(needed.Activations)}, logits {Gibibytes(needed.Logits)}, working memory {Gibibytes(needed.Work)}, loading {Gibibytes(needed.Loading)}";

    /// <summary>The first change that would make the run fit.</summary>
    private string Advice(string device, long free)
    {
        var trainer = settings.TrainerOf(length);
        var pass = Math.Min(trainer.BatchTokens, sizesOf(device).PassTokens(config.HiddenSize));
        for (var tokens = pass / 2; tokens >= length; tokens /= 2)
        {
            if (Fits(settings.Heads, trainer with { BatchTokens = tokens }))
            {
                return $"--batch-tokens {tokens} would fit";
            }
        }

        for (var shorter = length / 2; shorter >= ShortestSequence; shorter /= 2)
        {
            if (Fits(settings.Heads, trainer with { BatchTokens = shorter, SequenceLength = shorter }))
            {
                return $"--sequence-length {shorter} --batch-tokens {shorter} would fit";
            }
        }

        return settings.Heads.Count > 1 && settings.Heads.All(head => Fits([head], trainer))
                ? "one head at a time (--head, --exit-layer) would fit"
            : device == "cpu" ? "this model needs a machine with more memory"
            : "stages on more cards take less of each (--device cuda:0,cuda:1)";

        bool Fits(IReadOnlyList<HeadSpec> heads, TrainerSettings changed) =>
            FootprintOn(device, heads, changed).Total + ReserveBytes <= free;
    }

    private TrainingFootprint FootprintOn(string device, IReadOnlyList<HeadSpec> heads, TrainerSettings trainer)
    {
        var pass = PassShape.Of(config, heads, trainer, [.. settings.Devices.Distinct().Select(sizesOf)]);
        var stages = settings.Stages.Stages;
        TrainingFootprint all = default;
        for (var i = 0; i < stages.Count; i++)
        {
            if (settings.Devices[i] == device)
            {
                var layers = stages[i];
                all += StageMemory.Of(
                    sizesOf(device),
                    config,
                    layers.First,
                    layers.Count,
                    [
                        .. heads.Where(head =>
                            head.ExitLayer > layers.First && head.ExitLayer <= layers.First + layers.Count
                        ),
                    ],
                    trainer,
                    pass,
                    StagePipeline.Slots(i, stages.Count)
                );
            }
        }

        return all;
    }

    private static string Gibibytes(long bytes) => FormattableString.Invariant($"{bytes / (double)(1L << 30):0.0}");
}
