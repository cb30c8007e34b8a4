using System.Text.Json.Nodes;
using Ppsd.Host.Commands;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>What cannot be used is refused with exit code 2 and one line that says what was expected.</summary>
[NonParallelizable] // Console.Error
public sealed class BadInputTests
{
    private static IEnumerable<TestCaseData> CommandLines()
    {
        yield return Case("no command", "command", []);
        yield return Case("an unknown command", "dance", ["dance"]);
        yield return Case("no cluster", "expected --join HOST:PORT", ["cluster", "status"]);
        yield return Case("no word after cluster", "status, top", ["cluster"]);
        yield return Case(
            "a cluster that is not there",
            "no coordinator answers at 127.0.0.1:1 after 1 s",
            ["cluster", "status", "--join", "127.0.0.1:1", "--wait", "1"]
        );
        yield return Case("no prompt", "PROMPT or --prompts", ["generate"]);
        yield return Case("both prompts", "found both", ["generate", "a", "--prompts", "b"]);
        yield return Case("an unknown option", "unknown option '--bogus'", ["generate", "--bogus"]);
        yield return Case(
            "a misspelt option with a value",
            "unknown option '--max-token' (did you mean --max-tokens?)",
            ["generate", "--max-token", "5", "a"]
        );
        yield return Case(
            "a misspelt option with its value",
            "unknown option '--max-token' (did you mean --max-tokens?)",
            ["generate", "--max-token=5", "a"]
        );
        yield return Case("an option that no command has", "unknown option '--bogus'", ["inspect", "--bogus"]);
        yield return Case("a short option that is none", "unknown option '-n'", ["generate", "-n", "5", "a"]);
        yield return Case("a misspelt command", "found 'generat' (did you mean generate?)", ["generat", "a"]);
        yield return Case("a hidden command", "kernels, link, profile), found", ["bench", "nothing"]);
        yield return Case(
            "an option without its value",
            "--max-tokens: expected N, found nothing",
            ["generate", "--max-tokens"]
        );
        yield return Case(
            "an option twice",
            "--max-tokens: expected once, found 2 times",
            ["generate", "--max-tokens", "3", "--max-tokens", "4", "a"]
        );
        yield return Case("no address", "expected ADDRESS (the node, as HOST:PORT", ["cluster", "drain"]);
        yield return Case(
            "a second prompt",
            "generate: expected PROMPT alone, found 'b' as well",
            ["generate", "a", "b"]
        );
        yield return Case("an argument for nothing", "devices: expected no argument, found 'a'", ["devices", "a"]);
        yield return Case(
            "a comparison of many texts",
            "--compare: expected one text",
            ["generate", "--compare", "--json", "a"]
        );
        yield return Case(
            "text for a number",
            "--max-tokens: expected a number from 1",
            ["generate", "--max-tokens", "many", "a"]
        );
        yield return Case(
            "too few tokens",
            "--max-tokens: expected a number from 1",
            ["generate", "--max-tokens", "0", "a"]
        );
        yield return Case(
            "a negative temperature",
            "--temperature: expected a number from 0 to 100, found '-1'",
            ["generate", "--temperature=-1", "a"]
        );
        yield return Case("a probability above one", "--top-p", ["generate", "--top-p", "1.5", "a"]);
        yield return Case(
            "a penalty out of range",
            "--presence-penalty: expected a number from -2 to 2, found '-3'",
            ["generate", "--presence-penalty", "-3", "a"]
        );
        yield return Case(
            "an unknown mode",
            "--decode: expected ppsd or autoregressive or eesd or layerskip or del or knn-ssd, found 'fast'",
            ["generate", "--decode", "fast", "a"]
        );
        yield return Case(
            "an unknown draft source",
            "--drafts: expected auto, none, or exit, chain and ngram between commas, found 'exit,guess'",
            ["generate", "--drafts", "exit,guess", "a"]
        );
        yield return Case("a chain of seven", "expected a number from 1 to 6", ["generate", "--chain-depth", "7", "a"]);
        yield return Case(
            "a chain of no chain head",
            "the exit head is no chain",
            ["generate", "--chain-depth=2", "a"]
        );
        yield return Case(
            "a chain of n-grams",
            "--chain-depth: expected an exit head among the sources, found n-grams",
            ["generate", "--drafts", "ngram", "--chain-depth", "2", "a"]
        );
        yield return Case(
            "drafts against plain decoding",
            "--drafts: expected none with --decode autoregressive, found ngram",
            ["generate", "--decode", "autoregressive", "--drafts", "ngram", "a"]
        );
        yield return Case(
            "an unknown device",
            "--device: expected auto, cpu or cuda:N, found 'tpu'",
            ["generate", "--device", "tpu", "a"]
        );
        yield return Case("a card that is not there", "cuda", ["generate", "--device", "cuda:99", "a"]);
        yield return Case(
            "too many stages",
            "--stages: expected 1 to 16 (the model's layers), found 17",
            ["generate", "--stages", "17", "a"]
        );
        yield return Case(
            "layers that do not add up",
            "--stage-layers: expected positive counts that add up to 16",
            ["generate", "--stage-layers", "4,4", "a"]
        );
        yield return Case(
            "layers that are no numbers",
            "--stage-layers: expected whole numbers from 1 between commas, found '4,x'",
            ["generate", "--stage-layers", "4,x", "a"]
        );
        yield return Case(
            "layers against stages",
            "--stages: expected 2 as --stage-layers has, found 3",
            ["generate", "--stage-layers", "8,8", "--stages", "3", "a"]
        );
        yield return Case(
            "processes against stages",
            "--processes: expected 2 as there are stages, found 4",
            ["generate", "--stages", "2", "--processes", "4", "a"]
        );
        yield return Case(
            "processes and a cluster",
            "--processes or --join",
            ["generate", "--processes", "2", "--join", "127.0.0.1:1", "a"]
        );
        yield return Case(
            "a seed node without a port",
            "seed node: expected HOST:PORT",
            ["generate", "--join", "somewhere", "a"]
        );
        yield return Case("a model that is not there", "config.json", ["generate", "--model", "nowhere", "a"]);
        yield return Case("an exit head that is not there", "config.json", ["generate", "--exit-head", "nowhere", "a"]);
        yield return Case(
            "a prompt file that is not there",
            "--prompts: nowhere",
            ["generate", "--prompts", "nowhere", "--json"]
        );
        yield return Case("an empty stop string", "--stop", ["generate", "--stop", "", "a"]);
        yield return Case("a text longer than the context", "2048", ["generate", "--max-tokens", "5000", "a"]);
        yield return Case("a KV cache without a page", "KV cache", ["generate", "--kv-cache-bytes", "10", "a"]);
        yield return Case(
            "a text larger than the KV cache",
            "KV cache",
            ["generate", "--stages", "4", "--kv-cache-bytes", "200000", "--max-tokens", "30", "a"]
        );
        yield return Case(
            "a HOCON file that is not there",
            "nowhere.conf",
            ["generate", "--config", "nowhere.conf", "a"]
        );
        yield return Case("a host name that is none", "ppsd: --hostname: ", ["stage", "--hostname", "a\" b"]);
        yield return Case("-1", "--replay-memory: expected", ["stage", "--replay-memory", "-1"]);
        yield return Case("a stage beyond the pipeline", "--stage: expected 1 to 4", ["stage", "--stage", "9"]);
        yield return Case(
            "a prompt and its length",
            "--prompt-tokens: cannot be given with PROMPT",
            ["generate", "--synthetic", "toy", "--prompt-tokens", "4", "1 2"]
        );
        yield return Case("an unknown shape", "--synthetic: expected toy or", ["generate", "--synthetic", "huge", "1"]);
        yield return Case(
            "a folder and a shape",
            "--model: cannot be given with --synthetic",
            ["generate", "--synthetic", "toy", "--model", "x", "1"]
        );
        yield return Case(
            "a kind of head for a folder",
            "--head: cannot be given with a model folder",
            ["generate", "--head", "chain", "a"]
        );
        yield return Case(
            "a scale for a folder",
            "--synthetic-scale: cannot be given with a model folder",
            ["generate", "--synthetic-scale", "0.5", "a"]
        );
        yield return Case(
            "words for a model without words",
            "expected token ids from 0 to 999, found 'a'",
            ["generate", "--synthetic", "toy", "a"]
        );
        yield return Case(
            "an exit beyond the layers",
            "--exit-layer: expected 1 to 8",
            ["generate", "--synthetic", "toy", "--exit-layer", "9", "1"]
        );
        yield return Case(
            "a rate for a folder",
            "--synthetic-alpha: expected --synthetic",
            ["generate", "--synthetic-alpha", "0.5", "a"]
        );
        yield return Case("a plan that is not there", "--plan: nowhere", ["generate", "--plan", "nowhere", "a"]);
        yield return Case(
            "a share of no GPU",
            "--gpu-share: expected CUDA devices, found cpu",
            ["bench", "decode", "--gpu-share", "4", "--processes", "4", "--device", "cpu"]
        );
        yield return Case(
            "a share without processes",
            "--gpu-share: expected --processes",
            ["bench", "decode", "--gpu-share", "4", "--device", "cpu"]
        );
        yield return Case(
            "a picture of another kind",
            "--plot: expected a file name that ends in .png, found 'x.jpg'",
            ["bench", "link", "--plot", "x.jpg"]
        );
        yield return Case(
            "a rate that is none",
            "--alpha: expected a rate",
            ["plan", "--synthetic", "toy", "--alpha", "2"]
        );
        yield return Case("inspecting nothing", "config.json", ["inspect", "nowhere"]);
    }

    [TestCaseSource(nameof(CommandLines))]
    public Task Bad_input_gets_one_line(string[] arguments, string expected) => AssertRefusedAsync(arguments, expected);

    [Test]
    public async Task An_exit_head_for_another_model_is_refused_with_what_does_not_fit()
    {
        await AssertRefusedAsync(
            ["generate", "--model", TestModels.Folder(TestModels.Tiny), "--exit-head", TestModels.GsmExitHead, "a"],
            "verifier.num_hidden_layers: expected 6 as the model has, found 16"
        );
    }

    [Test]
    public async Task Speculation_without_an_exit_head_is_refused_when_it_was_asked_for()
    {
        await AssertRefusedAsync(
            ["generate", "--model", TestModels.Folder(TestModels.Tiny), "--decode", "ppsd", "a"],
            "--decode ppsd: no exit head"
        );
    }

    [TestCase("serve")]
    [TestCase("stage")]
    [TestCase("chat")]
    [TestCase("generate", "--prompts", "p.jsonl")]
    public async Task A_chat_template_that_cannot_be_read_stops_a_command_at_its_start(params string[] command)
    {
        using var folder = new TemporaryFolder();
        var template = folder.Write("broken.jinja", "{% if messages %}");
        await AssertRefusedAsync(
            [.. command, "--chat-template", template],
            "broken.jinja(1,4): 'if' is not closed with 'endif'"
        );
        await AssertRefusedAsync([.. command, "--chat-template", template + "x"], "found no such file");
        if (command is ["serve"])
        {
            SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), folder.FullPath);
            folder.Write("chat_template.jinja", "{% include 'x' %}");
            await AssertRefusedAsync(["serve", "--model", folder.FullPath], "chat_template.jinja(1,4): the statement");
            folder.Write("chat_template.jinja", "{% if no %}{{ x | shuffle }}{% endif %}");
            await AssertRefusedAsync(["serve", "--model", folder.FullPath], "jinja(1,19): the filter 'shuffle'");
        }
    }

    [TestCase("not json", ":1: not JSON")]
    [TestCase("[1]", ":1: expected a JSON object")]
    [TestCase("{}", ":1: expected 'prompt', 'messages' or 'question'")]
    [TestCase("""{"prompt": 3}""", ":1: prompt: expected a string, found Number")]
    [TestCase("""{"messages": [{"role": "user"}]}""", ":1: messages: expected objects with 'role' and 'content'")]
    [TestCase("", "no prompts in it")]
    public async Task A_prompt_line_that_cannot_be_read_is_named(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        await AssertRefusedAsync(["generate", "--json", "--prompts", folder.Write("p.jsonl", line)], expected);
    }

    [Test]
    public async Task A_truncated_checkpoint_is_refused_by_file()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), folder.FullPath);
        var weights = folder.File("model.safetensors");
        await using (var stream = File.Open(weights, FileMode.Open))
        {
            stream.SetLength(stream.Length - 1000);
        }

        await AssertRefusedAsync(["generate", "--model", folder.FullPath, "a"], "model.safetensors");
    }

    [Test]
    public async Task An_unsupported_architecture_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), folder.FullPath);
        var config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!;
        config["architectures"] = new JsonArray("MambaForCausalLM");
        folder.Write("config.json", config.ToJsonString());

        await AssertRefusedAsync(["inspect", folder.FullPath], "MambaForCausalLM");
    }

    [TestCase("x.gguf", "GGUF file")]
    [TestCase("x.bin", "found a file; give the folder")]
    public async Task A_file_in_place_of_a_model_folder_is_named_for_what_it_is(string name, string expected)
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(name, "not a model");
        await AssertRefusedAsync(["generate", "--model", file, "a"], expected);
    }

    [Test]
    public async Task A_GGUF_model_is_known_by_its_first_bytes_and_in_its_folder()
    {
        using var folder = new TemporaryFolder();
        await AssertRefusedAsync(["inspect", folder.Write("model", "GGUF\u0003")], "GGUF file (llama.cpp's format)");
        folder.Write("model-q4.gguf", "");
        await AssertRefusedAsync(["inspect", folder.FullPath], "a folder of GGUF files (model-q4.gguf)");
    }

    private static async Task AssertRefusedAsync(string[] arguments, string expected)
    {
        var (exitCode, error) = await RunAsync(arguments);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exitCode, Is.EqualTo(2), error);
            Assert.That(error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1), error);
            Assert.That(error, Does.Contain("ppsd: ").And.Contain(expected));
        }
    }

    private static async Task<(int ExitCode, string Error)> RunAsync(string[] arguments)
    {
        var stderr = Console.Error;
        await using var captured = new StringWriter();
        Console.SetError(captured);
        try
        {
            return (await CommandLine.RunAsync(arguments, TimeProvider.System), captured.ToString());
        }
        finally
        {
            Console.SetError(stderr);
        }
    }

    private static TestCaseData Case(string name, string expected, string[] arguments) =>
        new TestCaseData(arguments, expected).SetArgDisplayNames(name);
}
