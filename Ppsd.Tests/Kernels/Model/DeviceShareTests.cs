using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Model;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>Stages that share a device share what all their weights leave of it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DeviceShareTests
{
    private const long Gibibyte = 1L << 30;

    private static readonly ModelAssets _llama7B = ModelAssets.Open(
        new SyntheticModel("llama2-7b", ExitLayer: 8, Scale: 0.09f, Seed: 1)
    );

    [TestCase(139)]
    [TestCase(24)]
    [TestCase(18)]
    public void Four_stages_of_one_process_fit_their_card_and_hold_as_many_tokens(int gibibytes)
    {
        var device = new DeviceMemory(gibibytes * Gibibyte, gibibytes * Gibibyte);
        var stages = Stages(["cuda:0"], counts: [8, 8, 8, 8]);
        var caches = stages.Select(stage => stage.Share!.KvCacheBytes(stage.Own.KvValuesPerToken, device)).ToList();
        var tokens = stages.Zip(caches, (stage, cache) => cache / (2 * stage.Own.KvValuesPerToken)).ToList();

        Assert.That(stages.Sum(stage => stage.Own.WeightBytes) + caches.Sum(), Is.LessThan(gibibytes * Gibibyte));
        Assert.That(tokens.Max() - tokens.Min(), Is.LessThanOrEqualTo(1));
        Assert.That(tokens[0], Is.GreaterThan(2048));
    }

    [Test]
    public void A_stage_leaves_room_for_its_own_weights_too()
    {
        // A card whose weights take more than half: a fixed share of what is free at the start would not fit.
        var stage = Stages(["cuda:0"], counts: [32])[0];
        var device = new DeviceMemory(16 * Gibibyte, 16 * Gibibyte);
        var cache = StageFootprint
            .ShareOf([stage.Own], isAmongProcesses: false)
            .KvCacheBytes(stage.Own.KvValuesPerToken, device);

        Assert.That(stage.Share, Is.Null);
        Assert.That(cache, Is.Positive);
        Assert.That(stage.Own.WeightBytes + stage.Own.ScratchBytes + cache, Is.LessThan(device.FreeBytes));
    }

    [Test]
    public void Stages_of_several_processes_count_on_the_whole_card_whoever_loads_first()
    {
        var stages = Stages(["cuda:0"], counts: [8, 8, 8, 8], deviceShare: 4);
        var empty = new DeviceMemory(80 * Gibibyte, 80 * Gibibyte);
        var nearlyFull = new DeviceMemory(5 * Gibibyte, 80 * Gibibyte);
        var caches = stages.Select(stage => stage.Share!.KvCacheBytes(stage.Own.KvValuesPerToken, empty)).ToList();

        Assert.That(
            stages.Select(stage => stage.Share!.KvCacheBytes(stage.Own.KvValuesPerToken, nearlyFull)),
            Is.EqualTo(caches)
        );
        Assert.That(stages.Sum(stage => stage.Own.WeightBytes) + caches.Sum(), Is.LessThan(78 * Gibibyte));
    }

    [Test]
    public void Stages_on_devices_of_their_own_share_nothing_and_those_that_take_turns_share_with_their_own()
    {
        Assert.That(Stages(["cuda:0", "cuda:1"], counts: [16, 16]).Select(stage => stage.Share), Has.All.Null);

        var turns = Stages(["cuda:0", "cuda:1"], counts: [8, 8, 8, 8]);
        Assert.That(turns.Select(stage => stage.Share!.Stages), Has.All.EqualTo(2));
        Assert.That(turns[0].Share!.WeightBytes, Is.EqualTo(turns[0].Own.WeightBytes + turns[2].Own.WeightBytes));
    }

    [Test]
    public void When_the_weights_leave_nothing_the_refusal_says_so()
    {
        var stage = Stages(["cuda:0"], counts: [8, 8, 8, 8])[0];

        Assert.That(
            stage.Share!.KvCacheBytes(stage.Own.KvValuesPerToken, new DeviceMemory(8 * Gibibyte, 80 * Gibibyte)),
            Is.Zero
        );
    }

    [Test]
    public void An_allocation_that_fails_names_the_device_what_was_asked_for_and_what_was_free()
    {
        using var device = IlgpuDevice.OpenSimulator();

        Assert.That(
            () => device.Accelerator.AllocateElements<long>(1L << 59),
            Throws
                .TypeOf<DeviceException>()
                .With.Message.Match(
                    @"^out of device memory on .+: 4294967296\.00 GiB were asked for, [0-9.]+ of [0-9.]+ GiB are free$"
                )
        );
    }

    [TestCase("cpu", 0, 64)]
    [TestCase("cuda:1", 0, 512)]
    [TestCase("cpu", 100, 100)]
    [TestCase("cuda:0", 100, 100)]
    public void The_chunk_of_a_prompt_suits_the_device_unless_it_is_given(string device, int given, int expected)
    {
        var settings = new StageSettings
        {
            Devices = ["cpu", device],
            Threads = 1,
            PrefillChunk = given,
        };
        var factory = new StageRuntimeFactory(_llama7B, settings);

        Assert.That(factory.OptionsFor(new LayerRange(0, 8), device).MaxRows, Is.EqualTo(expected));
    }

    [TestCase("cpu", 0, 16)]
    [TestCase("cuda:1", 0, 64)]
    [TestCase("cuda:0", 8, 8)]
    public void The_candidates_of_a_step_suit_the_device_unless_they_are_given(string device, int given, int expected)
    {
        var settings = new StageSettings
        {
            Devices = ["cpu", device],
            Threads = 1,
            PrefillChunk = 4,
            StepRows = given,
        };
        var options = new StageRuntimeFactory(_llama7B, settings).OptionsFor(new LayerRange(0, 8), device);

        Assert.That((options.MaxWidth, options.MaxRows), Is.EqualTo((expected, expected)));
    }

    private static List<(StageFootprint Own, DeviceShare? Share)> Stages(
        string[] devices,
        int[] counts,
        int deviceShare = 0
    )
    {
        var plan = StagePlan.FromCounts(counts, 32);
        var settings = new StageSettings
        {
            Devices = devices,
            Threads = 1,
            DeviceShare = deviceShare,
        };
        var factory = new StageRuntimeFactory(_llama7B, settings, plan);
        return
        [
            .. plan.Stages.Select(
                (layers, stage) =>
                    (
                        StageFootprint.Of(factory.OptionsFor(layers, settings.DeviceOf(stage))),
                        factory.ShareOf(layers, stage)
                    )
            ),
        ];
    }
}
