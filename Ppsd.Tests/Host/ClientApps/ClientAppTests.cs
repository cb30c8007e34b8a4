using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.AI;
using Ppsd.Actors.Chat;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.ClientApps;

/// <summary>Client apps of the bundled model: what they get is what the program itself generates.</summary>
[NonParallelizable] // It sets Console.Out.
public sealed class ClientAppTests
{
    private const string Question = "How many legs do 3 cats have?";

    private ModelCluster _cluster = null!;
    private PpsdChatClient _client = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _cluster = await ModelCluster.StartAsync();
        _client = _cluster.AddChatClient();
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _client.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Test]
    public async Task A_chat_without_a_tokenizer_gives_the_text_that_the_model_s_own_program_gives()
    {
        var expected = await ExpectedAsync(topLogprobs: 2);

        var response = await _client.GetResponseAsync(
            Question,
            new()
            {
                Temperature = 0.7f,
                Seed = 11,
                MaxOutputTokens = 40,
                AdditionalProperties = new() { ["top_logprobs"] = 2 },
            }
        );

        var logprobs = (IReadOnlyList<TextLogprobs>)response.AdditionalProperties![PpsdChatClient.LogprobsKey]!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(response.Text, Is.EqualTo(expected.Text).And.Not.Empty);
            Assert.That(response.ModelId, Is.EqualTo("gsm-llama"));
            Assert.That(response.Usage!.InputTokenCount, Is.EqualTo(expected.PromptTokenIds.Count));
            Assert.That(response.Usage.OutputTokenCount, Is.EqualTo(expected.TokenIds.Count));
            Assert.That(logprobs.Select(token => token.Chosen.Token.Value), Is.EqualTo(expected.TokenIds));
            Assert.That(
                logprobs.Select(token => token.Chosen.Logprob),
                Is.EqualTo(expected.Logprobs!.Select(token => token.Chosen))
            );
            Assert.That(logprobs.Select(token => token.Top.Length), Is.All.EqualTo(2));
        }
    }

    [Test]
    public async Task Speculation_changes_nothing_and_stop_sequences_end_the_text()
    {
        ChatOptions Options(bool speculates) =>
            new()
            {
                Temperature = 0,
                MaxOutputTokens = 60,
                AdditionalProperties = new() { ["speculation"] = speculates },
            };

        var with = await _client.GetResponseAsync(Question, Options(true));
        var without = await _client.GetResponseAsync(Question, Options(false));
        var stop = with.Text[(with.Text.Length / 2)..(with.Text.Length / 2 + 3)];
        var stopped = await _client.GetResponseAsync(
            Question,
            new()
            {
                Temperature = 0,
                MaxOutputTokens = 60,
                StopSequences = [stop],
            }
        );

        using (Assert.EnterMultipleScope())
        {
            Assert.That(with.Text, Is.EqualTo(without.Text));
            Assert.That(with.Usage!.AdditionalCounts!["verified_drafts"], Is.GreaterThan(0));
            Assert.That(without.Usage!.AdditionalCounts!["verified_drafts"], Is.Zero);
            Assert.That(stopped.Text, Is.EqualTo(with.Text[..with.Text.IndexOf(stop, StringComparison.Ordinal)]));
            Assert.That(stopped.FinishReason, Is.EqualTo(ChatFinishReason.Stop));
        }
    }

    [TestCase("model: expected 'gsm-llama'", "another", 5, null)]
    [TestCase("exceed", null, 1_000_000, null)]
    [TestCase("top-p", null, 5, 3f)]
    public async Task What_the_model_cannot_do_is_refused_in_one_line(
        string expected,
        string? model,
        int maxTokens,
        float? topP
    )
    {
        var options = new ChatOptions
        {
            ModelId = model,
            MaxOutputTokens = maxTokens,
            TopP = topP,
        };

        var refused = Assert.CatchAsync<GenerationException>(() => _client.GetResponseAsync(Question, options));

        var e = (await refused)!;
        Assert.That(e.Failure, Is.EqualTo(GenerationFailure.BadRequest));
        Assert.That(e.Message, Does.Contain(expected).And.Not.Contain("\n"));
    }

    /// <summary>The sample of the README is compiled as it stands there and run against a cluster.</summary>
    [Test]
    public async Task The_sample_of_the_README_runs()
    {
        var sample = ReadmeSample();
        Assert.That(sample.Split('\n'), Has.Length.LessThan(15));
        var run = Compile(sample.Replace("127.0.0.1:4053", _cluster.Seed, StringComparison.Ordinal));

        var console = Console.Out;
        await using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            await run();
        }
        finally
        {
            Console.SetOut(console);
        }

        var prompt = _cluster.Assets.EncodeChat([new("user", Question)]);
        var expected = await Generator().RunAsync(prompt, Settings(100, SamplingSettings.Greedy));
        Assert.That(output.ToString(), Is.EqualTo(expected.Text).And.Not.Empty);
    }

    private TextGenerator Generator() => new(_cluster.Nodes[0].Client, _cluster.Assets);

    private Task<TextResult> ExpectedAsync(int? topLogprobs) =>
        Generator()
            .RunAsync(
                _cluster.Assets.EncodeChat([new("user", Question)]),
                Settings(
                    40,
                    ModelDefaults.Sampling(new TextSettings { Temperature = 0.7f, Seed = 11 }, _cluster.Assets),
                    topLogprobs
                )
            );

    private static GenerationSettings Settings(int maxTokens, SamplingSettings sampling, int? topLogprobs = null) =>
        new()
        {
            Drafts = DraftSources.ExitHead,
            MaxTokens = maxTokens,
            Sampling = sampling,
            TopLogprobs = topLogprobs,
        };

    private static string ReadmeSample()
    {
        var readme = File.ReadAllText(Path.Combine(TestContext.CurrentContext.TestDirectory, "README.md"));
        var start = readme.IndexOf("```csharp\n", StringComparison.Ordinal) + "```csharp\n".Length;
        return readme[start..readme.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    private static Func<Task> Compile(string source)
    {
        // The usings that every project has without writing them.
        const string implicitUsings =
            "global using System; global using System.Collections.Generic; global using System.Linq; global using System.Threading.Tasks;";
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => !path.EndsWith("ppsd.dll", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            "sample",
            [CSharpSyntaxTree.ParseText(source), CSharpSyntaxTree.ParseText(implicitUsings)],
            references,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication)
        );
        using var assembly = new MemoryStream();
        var emitted = compilation.Emit(assembly);
        Assert.That(emitted.Success, Is.True, string.Join('\n', emitted.Diagnostics));
        var main = System.Reflection.Assembly.Load(assembly.ToArray()).EntryPoint!;
        return async () =>
        {
            if (main.Invoke(null, [Array.Empty<string>()]) is Task task)
            {
                await task;
            }
        };
    }
}
