using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class GenerationConfigTests
{
    private const string Everything = """
        {"do_sample": true, "temperature": 0.6, "top_k": 40, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1,
         "max_new_tokens": 512, "eos_token_id": [128001, 128009], "transformers_version": "4.42.0"}
        """;

    [Test]
    public void Every_field_is_read()
    {
        var config = Read(Everything);

        Assert.That(config.DoSample, Is.True);
        Assert.That(config.Temperature, Is.EqualTo(0.6));
        Assert.That(config.TopK, Is.EqualTo(40));
        Assert.That(config.TopP, Is.EqualTo(0.9));
        Assert.That(config.MinP, Is.EqualTo(0.05));
        Assert.That(config.RepetitionPenalty, Is.EqualTo(1.1));
        Assert.That(config.MaxNewTokens, Is.EqualTo(512));
        Assert.That(config.EosTokenIds, Is.EqualTo([128001, 128009]));
        Assert.That(config.DefaultTemperature, Is.EqualTo(0.6));
    }

    [Test]
    public void The_file_and_each_field_are_optional()
    {
        using var empty = new TemporaryFolder();
        foreach (var config in new[] { GenerationConfig.Read(empty.FullPath), Read("{}"), Read(Nulls()) })
        {
            Assert.That(config.DoSample, Is.False);
            Assert.That(config.Temperature, Is.Null);
            Assert.That(
                (config.TopK, config.TopP, config.MinP),
                Is.EqualTo(((int?)null, (double?)null, (double?)null))
            );
            Assert.That((config.RepetitionPenalty, config.MaxNewTokens), Is.EqualTo(((double?)null, (int?)null)));
            Assert.That(config.EosTokenIds, Is.Empty);
            Assert.That(config.DefaultTemperature, Is.Zero);
        }
    }

    [TestCase("""{"temperature": 0.7}""", 0)]
    [TestCase("""{"do_sample": false, "temperature": 0.7}""", 0)]
    [TestCase("""{"do_sample": true}""", 1)]
    [TestCase("""{"do_sample": true, "temperature": 0.7}""", 0.7)]
    [TestCase("""{"do_sample": true, "temperature": 0}""", 0)]
    public void Without_do_sample_the_likeliest_token_is_taken(string json, double temperature)
    {
        Assert.That(Read(json).DefaultTemperature, Is.EqualTo(temperature));
    }

    [Test]
    public void Its_end_of_text_ids_count_before_the_models()
    {
        var model = ModelConfig.Read(ModelFolders.TinyLlama3);

        Assert.That(Read("""{"eos_token_id": 7}""").EosTokenIdsOr(model), Is.EqualTo([7]));
        Assert.That(Read("{}").EosTokenIdsOr(model), Is.EqualTo([2046, 2043]));
        Assert.That(GenerationConfig.Read(ModelFolders.TinyLlama3).EosTokenIds, Is.EqualTo([2046, 2043]));
    }

    [TestCase("0.00000999")]
    [TestCase("1e-40")]
    [TestCase("1e-60")]
    public void A_temperature_near_zero_takes_the_likeliest_token(string temperature)
    {
        var config = Read($$"""{"do_sample": true, "temperature": {{temperature}}}""");

        Assert.That(SamplingParameters.IsGreedyAt((float)config.DefaultTemperature));
    }

    [TestCase("do_sample", "1", "true or false")]
    [TestCase("temperature", "-0.1", "a number from 0 to 100")]
    [TestCase("temperature", "101", "a number from 0 to 100")]
    [TestCase("temperature", "1e40", "a number from 0 to 100")]
    [TestCase("temperature", "1e999", "a number from 0 to 100")]
    [TestCase("temperature", "\"hot\"", "a number from 0 to 100")]
    [TestCase("top_k", "-1", "an integer from 0 to 2147483647")]
    [TestCase("top_k", "2.5", "an integer from 0 to 2147483647")]
    [TestCase("top_p", "1.01", "a number above 0, at most 1")]
    [TestCase("top_p", "-0.1", "a number above 0, at most 1")]
    [TestCase("top_p", "0", "a number above 0, at most 1")]
    [TestCase("top_p", "1e-60", "a number above 0, at most 1")]
    [TestCase("min_p", "2", "a number from 0 to 1")]
    [TestCase("repetition_penalty", "0", "a number above 0, at most 100")]
    [TestCase("repetition_penalty", "1e-60", "a number above 0, at most 100")]
    [TestCase("repetition_penalty", "100.5", "a number above 0, at most 100")]
    [TestCase("max_new_tokens", "0", "an integer from 1 to 2147483647")]
    [TestCase("eos_token_id", "[-2]", "an integer from 0 to 2147483647")]
    public void An_impossible_value_is_refused(string field, string json, string expected)
    {
        Assert.That(
            Refusal.Of(() => Read($$"""{"{{field}}": {{json}}}""")),
            Does.EndWith($"generation_config.json: {field}: expected {expected}, found {json}")
        );
    }

    [Test]
    public void Bad_json_is_refused()
    {
        Assert.That(
            Refusal.Of(() => Read("{")),
            Does.Contain("generation_config.json: file: expected JSON, found an error")
        );
    }

    private static string Nulls() =>
        """
            {"do_sample": null, "temperature": null, "top_k": null, "top_p": null, "min_p": null,
             "repetition_penalty": null, "max_new_tokens": null, "eos_token_id": null}
            """;

    private static GenerationConfig Read(string json)
    {
        using var folder = new ConfigFolder().With("generation_config.json", json);
        return GenerationConfig.Read(folder.FullPath);
    }
}
