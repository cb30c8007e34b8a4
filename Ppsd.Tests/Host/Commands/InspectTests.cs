using System.Text.Json.Nodes;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

[Parallelizable(ParallelScope.All)]
public sealed class InspectTests
{
    [Test]
    public async Task Inspect_prints_layers_parameters_and_the_stage_plan()
    {
        var result = await Cli.RunAsync(["inspect", "--stage-layers", "3,4,9"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("13,902,080").And.Contain("bfd79c2e"));
            Assert.That(result.Output, Does.Contain("1 to 3").And.Contain("4 to 7").And.Contain("8 to 16"));
        }
    }

    [Test]
    public async Task Bytes_of_all_stages_are_those_of_the_checkpoint_and_its_head()
    {
        // One stage with everything: the model's bytes and the head's, whose files also hold headers.
        var result = await Cli.RunAsync(["inspect", "--stages", "1"]);

        Assert.That(result.Output, Does.Contain($"{27_804_160 + 738_048 * 2:N0} bytes"));
    }

    [Test]
    public async Task A_heads_list_of_tokens_is_said_and_counted()
    {
        using var folder = new TemporaryFolder();
        File.Copy(
            Path.Combine(TestModels.GsmExitHead, "model.safetensors"),
            Path.Combine(folder.FullPath, "model.safetensors")
        );
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestModels.GsmExitHead, "config.json")))!;
        config["draft_vocabulary"] = "list.json";
        folder.Write("config.json", config.ToJsonString());
        folder.Write("list.json", "[2, 5, 300]");
        var result = await Cli.RunAsync(["inspect", "--stages", "1", "--exit-head", folder.FullPath]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Match("draft vocabulary +3 of 4,096 tokens"));
        Assert.That(result.Output, Does.Contain($"{27_804_160 + (738_048 + 3 * 256) * 2:N0} bytes"));
    }

    [Test]
    public async Task What_the_config_says_and_the_file_does_not_hold_is_said()
    {
        using var folder = new TemporaryFolder();
        var model = folder.File("model");
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Qwen2), model);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(model, "config.json")))!;
        config["tie_word_embeddings"] = true;
        config["architectures"] = new JsonArray("LlamaForCausalLM");
        config["model_type"] = "llama";
        config.AsObject().Remove("rope_scaling");
        config["rope_parameters"] = new JsonObject { ["rope_theta"] = 1e300 };
        File.WriteAllText(Path.Combine(model, "config.json"), config.ToJsonString());
        var result = await Cli.RunAsync(["inspect", model]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(
            result.Output,
            Does.Contain("embeddings not tied (the config ties them, but the file holds an LM head)")
                .And.Contain("theta 1e+300")
        );
        Assert.That(
            result.Error,
            Does.Contain(
                "ppsd: warning: "
                    + $"{model}: by its config.json 15 of the checkpoint's tensors are not used, the first of them 'model.layers.0.self_attn.k_proj.bias'"
            )
        );
    }

    [Test]
    public async Task Devices_lists_the_processor_and_says_why_a_card_cannot_be_used()
    {
        var result = await Cli.RunAsync(["devices"]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        Assert.That(result.Output, Does.Contain("cpu").And.Contain("cuda"));
    }
}
