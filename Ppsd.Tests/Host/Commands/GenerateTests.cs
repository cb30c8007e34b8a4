using System.Text.Json;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary><c>ppsd generate</c> as a user runs it.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class GenerateTests
{
    private const string Prompt = "USER: Tom has 3 boxes of 12 eggs. How many eggs does he have? ASSISTANT:";

    [Test]
    public async Task The_bundled_model_answers_and_figures_and_a_comparison_go_to_standard_error()
    {
        var result = await Cli.RunAsync(["generate", "--stages", "2", "--compare", Prompt]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("12"));
            Assert.That(result.Output, Does.Not.Contain("tokens/s"));
            Assert.That(result.Error, Does.Contain("tokens/s").And.Contain("accepted").And.Contain("stages busy"));
            Assert.That(result.Error, Does.Contain("ran on        2 stages of 8,8 layers on cpu"));
            Assert.That(result.Error, Does.Contain("on the same 2 stages").And.Contain("without drafts on one stage"));
            Assert.That(result.Error, Does.Not.Contain("\u001b"), "no colours where there is no terminal");
        }
    }

    [Test]
    public async Task Json_is_one_object_with_the_documented_fields_and_nothing_else_on_standard_output()
    {
        var result = await Cli.RunAsync(["generate", "--json", "--stages", "4", "--max-tokens", "20", Prompt]);

        Assert.That(result.ExitCode, Is.Zero, result.Error);
        using var json = JsonDocument.Parse(result.OutputLines.Single());
        var stats = json.RootElement.GetProperty("stats");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                json.RootElement.EnumerateObject().Select(property => property.Name),
                Is.EqualTo(new[] { "prompt_token_ids", "token_ids", "text", "finish_reason", "stats" })
            );
            Assert.That(
                stats.EnumerateObject().Select(property => property.Name),
                Is.EqualTo(
                    new[]
                    {
                        "decode",
                        "stages",
                        "prompt_tokens",
                        "generated_tokens",
                        "verified_drafts",
                        "accepted_drafts",
                        "acceptance_rate",
                        "cancelled_drafts",
                        "rollbacks",
                        "time_to_first_token_ms",
                        "tokens_per_second",
                        "mean_cycle_ms",
                        "accepted_per_cycle",
                        "rows_per_cycle",
                        "drafts_by_source",
                    }
                )
            );
            Assert.That(stats.GetProperty("decode").GetString(), Is.EqualTo("ppsd"));
            Assert.That(stats.GetProperty("stages").GetInt32(), Is.EqualTo(4));
            Assert.That(stats.GetProperty("generated_tokens").GetInt32(), Is.EqualTo(20));
            Assert.That(json.RootElement.GetProperty("token_ids").GetArrayLength(), Is.EqualTo(20));
            Assert.That(json.RootElement.GetProperty("finish_reason").GetString(), Is.EqualTo("length"));
            Assert.That(
                stats.GetProperty("accepted_drafts").GetInt32(),
                Is.LessThanOrEqualTo(stats.GetProperty("verified_drafts").GetInt32()).And.GreaterThan(0)
            );
        }
    }

    /// <summary>Nothing is printed that one stage cannot have with an exit head: drafts, a speed-up, or a figure twice.</summary>
    [Test]
    public async Task One_stage_prints_one_speed_and_no_drafts()
    {
        var result = await Cli.RunAsync(["generate", "--stages", "1", "--drafts", "exit", "--max-tokens", "8", Prompt]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Error, Does.Not.Contain("drafts"));
            Assert.That(result.Error.Split("tokens/s"), Has.Length.EqualTo(2), "one speed");
            Assert.That(result.ErrorLines, Has.None.Match(" $"), "no blanks at the ends of lines");
        }
    }

    [Test]
    public async Task On_the_CPU_there_is_at_most_a_stage_for_each_core_by_default()
    {
        var result = await Cli.RunAsync(["generate", "--json", "--device", "cpu", "--max-tokens", "2", Prompt]);
        var wide = await Cli.RunAsync([
            "generate",
            "--json",
            "--device",
            "cpu",
            "--threads",
            $"{Environment.ProcessorCount}",
            "--max-tokens",
            "2",
            Prompt,
        ]);

        Assert.That(Stages(result), Is.EqualTo(Math.Min(4, Environment.ProcessorCount)));
        Assert.That(Stages(wide), Is.EqualTo(1));

        static int Stages(CliResult result)
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            using var json = JsonDocument.Parse(result.Output);
            return json.RootElement.GetProperty("stats").GetProperty("stages").GetInt32();
        }
    }

    [Test]
    public async Task Without_a_seed_each_text_is_drawn_anew_and_its_seed_draws_it_again()
    {
        string[] arguments = ["generate", "--json", "--temperature", "1.5", "--max-tokens", "24", Prompt];
        var first = await Cli.RunAsync(arguments);
        var second = await Cli.RunAsync(arguments);
        using var json = JsonDocument.Parse(first.Output);
        var seed = json.RootElement.GetProperty("seed").GetUInt64();
        var again = await Cli.RunAsync([.. arguments, "--seed", $"{seed}"]);
        var people = await Cli.RunAsync(["generate", "--temperature", "1", "--max-tokens", "2", Prompt]);
        var greedy = await Cli.RunAsync(["generate", "--json", "--max-tokens", "1", Prompt]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(second.Output), Is.Not.EqualTo(Tokens(first.Output)));
            Assert.That(Tokens(again.Output), Is.EqualTo(Tokens(first.Output)));
            Assert.That(people.Error, Does.Match(@"seed\s+(\d+) \(drawn; --seed \1 gives this text again\)"));
            Assert.That(greedy.Output, Does.Not.Contain("seed"), "nothing is drawn at temperature 0");
            Assert.That(greedy.Output, Does.Contain("\"tokens_per_second\":null"), "one token has no rate");
        }
    }

    /// <summary>The law, from the outside: one text whatever the mode, the split and the processes.</summary>
    [TestCase("--temperature", "0")]
    [TestCase("--temperature", "0.9", "--seed", "7")]
    public async Task The_tokens_are_the_same_in_every_mode_split_and_number_of_processes(params string[] sampling)
    {
        string[] common = ["generate", "--json", "--max-tokens", "40", .. sampling, Prompt];
        var expected = await TokensAsync([.. common, "--decode", "autoregressive", "--stages", "1"]);
        string[][] others =
        [
            ["--decode", "ppsd"],
            ["--decode", "ppsd", "--stages", "2"],
            ["--decode", "ppsd", "--stage-layers", "3,4,3,3,3", "--max-width", "3"],
            ["--decode", "ppsd", "--stages", "16", "--prefill-chunk", "5"],
            ["--decode", "autoregressive", "--stages", "4", "--threads", "2"],
            ["--decode", "ppsd", "--processes", "4"],
        ];

        foreach (var other in others)
        {
            Assert.That(await TokensAsync([.. common, .. other]), Is.EqualTo(expected), string.Join(' ', other));
        }
    }

    [Test]
    public async Task Prompts_of_a_file_come_back_in_order_however_many_are_decoded_at_once()
    {
        using var folder = new Kernels.Checkpoints.TemporaryFolder();
        var file = folder.Write(
            "prompts.jsonl",
            """
            {"prompt": "USER: How many legs do 3 cats have? ASSISTANT:"}

            {"question": "How many days are there in 6 weeks?", "answer": "42"}
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 7 times 8?"}]}
            """
        );
        string[] arguments = ["generate", "--json", "--max-tokens", "16", "--prompts", file];

        var alone = await Cli.RunAsync(arguments);
        var together = await Cli.RunAsync([.. arguments, "--concurrency", "3"]);

        Assert.That(alone.ExitCode, Is.Zero, alone.Error);
        Assert.That(alone.OutputLines, Has.Length.EqualTo(3));
        Assert.That(together.OutputLines.Select(Tokens), Is.EqualTo(alone.OutputLines.Select(Tokens)));
    }

    [Test]
    public async Task A_stop_string_ends_the_text_before_it()
    {
        var whole = await Cli.RunAsync(["generate", "--json", "--max-tokens", "60", Prompt]);
        var stopped = await Cli.RunAsync(["generate", "--json", "--max-tokens", "60", "--stop", "=", Prompt]);

        using var wholeJson = JsonDocument.Parse(whole.Output);
        using var stoppedJson = JsonDocument.Parse(stopped.Output);
        var text = wholeJson.RootElement.GetProperty("text").GetString()!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Does.Contain("="));
            Assert.That(stoppedJson.RootElement.GetProperty("text").GetString(), Is.EqualTo(text[..text.IndexOf('=')]));
            Assert.That(stoppedJson.RootElement.GetProperty("finish_reason").GetString(), Is.EqualTo("stop"));
        }
    }

    [Test]
    public async Task Every_option_has_an_environment_twin_that_the_command_line_overrides()
    {
        var environment = new Dictionary<string, string>
        {
            ["PPSD_MAX_TOKENS"] = "5",
            ["PPSD_DECODE"] = "autoregressive",
            ["PPSD_JSON"] = "1",
        };

        var result = await Cli.RunAsync(["generate", "--max-tokens", "3", Prompt], environment);

        using var json = JsonDocument.Parse(result.Output);
        Assert.That(json.RootElement.GetProperty("token_ids").GetArrayLength(), Is.EqualTo(3));
        Assert.That(
            json.RootElement.GetProperty("stats").GetProperty("decode").GetString(),
            Is.EqualTo("autoregressive")
        );
    }

    [Test]
    public async Task A_model_without_an_exit_head_drafts_from_its_own_text_unless_it_is_told_not_to()
    {
        string[] arguments =
        [
            "generate",
            "--json",
            "--model",
            TestModels.Folder(TestModels.Tiny3),
            "--max-tokens",
            "4",
            "Hello",
        ];
        var result = await Cli.RunAsync(arguments);
        var plain = await Cli.RunAsync([.. arguments, "--drafts", "none"]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.ExitCode, Is.Zero, result.Error);
            Assert.That(result.Output, Does.Contain("\"decode\":\"ppsd\""));
            Assert.That(plain.Output, Does.Contain("\"decode\":\"autoregressive\""));
            Assert.That(Tokens(result.Output), Is.EqualTo(Tokens(plain.Output)));
        }
    }

    private static async Task<string> TokensAsync(string[] arguments)
    {
        var result = await Cli.RunAsync(arguments);
        Assert.That(result.ExitCode, Is.Zero, result.Error);
        return Tokens(result.Output);
    }

    private static string Tokens(string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("token_ids").GetRawText();
    }
}
