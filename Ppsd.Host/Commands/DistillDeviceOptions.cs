using System.CommandLine;
using Ppsd.Actors.Planning;
using Ppsd.Host.Distillation;
using Ppsd.Host.Models;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Commands;

/// <summary>Options that say where heads are trained.</summary>
internal sealed class DistillDeviceOptions : IOptionGroup
{
    /// <summary>Tokens of the teacher's distribution that stages send each other, where nothing else is asked for.</summary>
    private const int DefaultTeacherTokens = 128;

    private readonly Option<string?> _device = OptionFactory.Text(
        "--device",
        "auto|cpu|cuda:N",
        "Device to train on, or several between commas that share the model's layers; auto by default: the first usable CUDA card, or else the CPU."
    );

    private readonly Option<int?> _stages = OptionFactory.Number(
        "--stages",
        "N",
        "Stages that the model's layers are cut into evenly, which take the devices in turn; by default one for each device.",
        1,
        64
    );

    private readonly Option<int[]?> _stageLayers = OptionFactory.Counts(
        "--stage-layers",
        "N,N,…",
        "Layers of each stage, instead of --stages. A head is trained where its exit layer is."
    );

    private readonly Option<int?> _teacherTopK = OptionFactory.Number(
        "--teacher-top-k",
        "K",
        "Learns from the model's K most probable tokens at each position, all others counting as one; 128 by default with several stages, else the whole distribution.",
        1,
        TrainingDevice.MaxKeptTokens
    );

    private readonly Option<int?> _threads = OptionFactory.Number(
        "--threads",
        "N",
        "Threads of each stage on the CPU; by default this machine's cores over the stages, at least 1.",
        1,
        1024
    );

    private readonly Option<string?> _ropeFrequencies = OptionFactory.Choice(
        "--rope-frequencies",
        "Precision of the rotary embedding's frequencies: the checkpoint's own type, by default, or fp32.",
        "checkpoint",
        "fp32"
    );

    private readonly Option<bool> _profile = OptionFactory.Switch(
        "--profile",
        "Says at the end where the time of training went; every operation is waited for, which takes some more."
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        command.Options.Add(_profile);
        command.Options.Add(_device);
        command.Options.Add(_stages);
        command.Options.Add(_stageLayers);
        command.Options.Add(_teacherTopK);
        command.Options.Add(_threads);
        command.Options.Add(_ropeFrequencies);
    }

    /// <summary>Settings with these options.</summary>
    /// <exception cref="UserErrorException">They contradict each other or do not fit the model.</exception>
    public DistillSettings Apply(ParseResult parsed, DistillSettings settings, ModelAssets assets)
    {
        var devices = Devices(parsed.GetValue(_device));
        var plan = Plan(parsed, assets.Config.LayerCount, devices.Length);
        return settings with
        {
            Devices = [.. Enumerable.Range(0, plan.Stages.Count).Select(i => devices[i % devices.Length])],
            Stages = plan,
            TeacherTokens = parsed.GetValue(_teacherTopK) ?? (plan.Stages.Count > 1 ? DefaultTeacherTokens : 0),
            Threads = parsed.GetValue(_threads) ?? Math.Max(1, Environment.ProcessorCount / plan.Stages.Count),
            Profiles = parsed.GetValue(_profile),
            RopeFrequencies =
                parsed.GetValue(_ropeFrequencies) == "fp32" ? RopeFrequencies.Float32 : RopeFrequencies.CheckpointType,
        };
    }

    private StagePlan Plan(ParseResult parsed, int layerCount, int deviceCount)
    {
        var counts = parsed.GetValue(_stageLayers) is { Length: > 0 } given ? given : null;
        var stages = parsed.GetValue(_stages);
        if (counts is not null && stages is not null && stages != counts.Length)
        {
            throw new UserErrorException($"--stages: expected {counts.Length} as --stage-layers has, found {stages}");
        }

        try
        {
            return counts is not null
                ? StagePlan.FromCounts(counts, layerCount)
                : StagePlan.Even(layerCount, stages ?? deviceCount);
        }
        catch (StagePlanException e)
        {
            var option =
                e.Setting == StagePlanSetting.StageLayers ? _stageLayers.Name
                : stages is null ? _device.Name
                : _stages.Name;
            throw new UserErrorException($"{option}: {e.Misfit}", e);
        }
    }

    private static string[] Devices(string? given)
    {
        if (given is null or "auto")
        {
            return [DeviceCatalog.Automatic()[0]];
        }

        var devices = given.Split(',');
        return Array.Find(devices, device => !DeviceCatalog.IsName(device)) is { } unknown
            ? throw new UserErrorException($"--device: expected auto, cpu or cuda:N, found '{unknown}'")
            : devices;
    }
}
