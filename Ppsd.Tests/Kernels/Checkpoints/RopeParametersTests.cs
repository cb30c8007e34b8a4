using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class RopeParametersTests
{
    private const string Llama3Scaling = """
        {"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
         "original_max_position_embeddings":8192}
        """;

    private static readonly RopeParameters _llama32 = new(RopeKind.Llama3, 500_000, 32, 1, 4, 8192);

    [Test]
    public void Transformers_4_keeps_theta_beside_the_scaling()
    {
        Assert.That(Read(("rope_theta", "500000.0"), ("rope_scaling", Llama3Scaling)), Is.EqualTo(_llama32));
    }

    [Test]
    public void Transformers_5_keeps_theta_inside()
    {
        var rope = Llama3Scaling.Replace("{", "{\"rope_theta\":500000,");

        Assert.That(Read(("rope_parameters", rope)), Is.EqualTo(_llama32));
        Assert.That(Read(("rope_theta", "7"), ("rope_parameters", rope)), Is.EqualTo(_llama32));
    }

    [Test]
    public void Rope_scaling_counts_before_rope_parameters_as_in_transformers()
    {
        var rope = """{"rope_type":"linear","factor":2.0,"rope_theta":500000.0}""";

        Assert.That(
            Read(("rope_parameters", rope), ("rope_scaling", Llama3Scaling)),
            Is.EqualTo(_llama32),
            "with the only base there is"
        );
        foreach (var none in (string[])["null", "{}"])
        {
            Assert.That(
                Read(("rope_parameters", rope), ("rope_scaling", none)),
                Is.EqualTo(new RopeParameters(RopeKind.Linear, 500_000, 2))
            );
        }
    }

    [Test]
    public void Parameters_by_the_type_of_layers_are_read_where_all_are_alike()
    {
        const string One = """{"rope_type":"linear","factor":2.0,"rope_theta":300.0}""";
        var linear = new RopeParameters(RopeKind.Linear, 300, 2);
        Assert.That(Read(("rope_parameters", $$"""{"full_attention":{{One}} }""")), Is.EqualTo(linear));
        Assert.That(
            Read(("rope_parameters", $$"""{"full_attention":{{One}},"sliding_attention":{{One}} }""")),
            Is.EqualTo(linear)
        );
        Assert.That(
            Refuse(
                (
                    "rope_parameters",
                    $$"""{"full_attention":{{One}},"sliding_attention":{"rope_type":"default","rope_theta":1.0} }"""
                )
            ),
            Does.Contain("config.json: rope_parameters: expected the same for all types of layers, found {")
        );
    }

    [Test]
    public void A_dynamic_base_grows_beyond_the_models_own_context()
    {
        var rope = Read(
            (
                "rope_parameters",
                """{"rope_type":"dynamic","factor":4.0,"original_max_position_embeddings":16,"rope_theta":10000.0}"""
            )
        );
        Assert.That(rope, Is.EqualTo(new RopeParameters(RopeKind.Dynamic, 10_000, 4, OriginalMaxPositions: 2048)));
    }

    [TestCase("rope_type")]
    [TestCase("type")]
    public void Linear_scaling_has_two_spellings(string field)
    {
        Assert.That(
            Read(("rope_scaling", $$"""{"{{field}}":"linear","factor":4}""")),
            Is.EqualTo(new RopeParameters(RopeKind.Linear, 10_000, 4))
        );
    }

    [TestCase("""{"rope_theta":20000.0}""", 20_000)]
    [TestCase("""{"rope_type":"default"}""", 10_000)]
    [TestCase("""{"rope_type":null,"type":"default","rope_theta":1e6}""", 1e6)]
    [TestCase("""{"partial_rotary_factor":1.0}""", 10_000)]
    public void The_default_kind_needs_no_name(string rope, double theta)
    {
        Assert.That(Read(("rope_parameters", rope)), Is.EqualTo(new RopeParameters(RopeKind.Default, theta)));
    }

    [TestCase("mrope")]
    [TestCase("Llama3")]
    public void Other_kinds_are_refused(string kind)
    {
        Assert.That(
            Refuse(("rope_scaling", $$"""{"rope_type":"{{kind}}","factor":4}""")),
            Does.EndWith(
                $"config.json: rope_scaling.rope_type: expected default, linear, llama3, yarn, dynamic or longrope, found \"{kind}\""
            )
        );
        Assert.That(
            Refuse(("rope_scaling", $$"""{"type":"{{kind}}","factor":4}""")),
            Does.EndWith(
                $"rope_scaling.type: expected default, linear, llama3, yarn, dynamic or longrope, found \"{kind}\""
            )
        );
    }

    [Test]
    public void Yarn_has_defaults_and_settings()
    {
        var plain = Read(("rope_scaling", """{"type":"yarn","factor":4,"original_max_position_embeddings":512}"""));
        Assert.That(plain.Kind, Is.EqualTo(RopeKind.Yarn));
        Assert.That(plain.Factor, Is.EqualTo(2048 / 512.0), "the context over the original one, as in transformers");
        Assert.That(plain.AttentionFactor, Is.EqualTo(1 + (0.1 * Math.Log(4))).Within(1e-12));
        Assert.That((plain.FastTurns, plain.SlowTurns, plain.RoundsBlend), Is.EqualTo((32.0, 1.0, true)));

        var set = Read(
            (
                "rope_parameters",
                """{"rope_type":"yarn","factor":40,"beta_fast":16,"beta_slow":2,"truncate":false,"mscale":1,"mscale_all_dim":0.5}"""
            )
        );
        Assert.That((set.Factor, set.OriginalMaxPositions), Is.EqualTo((40.0, 2048)));
        Assert.That((set.FastTurns, set.SlowTurns, set.RoundsBlend), Is.EqualTo((16.0, 2.0, false)));
        Assert.That(
            set.AttentionFactor,
            Is.EqualTo((1 + (0.1 * Math.Log(40))) / (1 + (0.05 * Math.Log(40)))).Within(1e-12)
        );
        Assert.That(
            Read(("rope_parameters", """{"rope_type":"yarn","factor":40,"attention_factor":1.5}""")).AttentionFactor,
            Is.EqualTo(1.5)
        );
    }

    [Test]
    public void Longrope_has_a_divisor_for_each_pair()
    {
        var divisors = string.Join(',', Enumerable.Range(1, 32));
        var rope = Read(
            ("head_dim", "64"),
            ("original_max_position_embeddings", "512"),
            ("rope_scaling", $$"""{"type":"longrope","short_factor":[{{divisors}}],"long_factor":[{{divisors}}]}""")
        );
        Assert.That((rope.Kind, rope.Factor, rope.OriginalMaxPositions), Is.EqualTo((RopeKind.LongRope, 4.0, 512)));
        Assert.That(rope.LongFactors, Is.EqualTo(Enumerable.Range(1, 32)));
        Assert.That(rope.AttentionFactor, Is.EqualTo(Math.Sqrt(1 + (Math.Log(4) / Math.Log(512)))).Within(1e-12));
        var given = Read(
            ("head_dim", "64"),
            (
                "rope_scaling",
                $$"""
                {"type":"longrope","factor":2,"original_max_position_embeddings":512,
                 "short_factor":[{{divisors}}],"long_factor":[{{divisors}}]}
                """
            )
        );
        Assert.That(given.Factor, Is.EqualTo(2), "a factor counts before the ratio of the contexts");
        Assert.That(given.AttentionFactor, Is.EqualTo(Math.Sqrt(1 + (Math.Log(2) / Math.Log(512)))).Within(1e-12));
        Assert.That(
            Refuse(
                ("head_dim", "64"),
                ("rope_scaling", """{"type":"longrope","factor":2,"original_max_position_embeddings":1}""")
            ),
            Does.EndWith("original_max_position_embeddings: expected an integer from 2 to 2147483647, found 1")
        );
        Assert.That(
            Refuse(("head_dim", "64"), ("rope_scaling", """{"type":"longrope","factor":2,"short_factor":[1,2]}""")),
            Does.EndWith(
                "rope_scaling.short_factor: expected 32 numbers above 0, one for each pair that is rotated, found [1,2]"
            )
        );
    }

    [TestCase("factor", "a number above 0")]
    [TestCase("low_freq_factor", "a number above 0")]
    [TestCase("high_freq_factor", "a number above low_freq_factor (1)")]
    [TestCase("original_max_position_embeddings", "an integer from 1 to 2147483647")]
    public void Llama3_needs_all_its_numbers(string field, string expected)
    {
        var scaling = System.Text.Json.Nodes.JsonNode.Parse(Llama3Scaling)!.AsObject();
        scaling.Remove(field);
        Assert.That(
            Refuse(("rope_scaling", scaling.ToJsonString())),
            Does.EndWith($"rope_scaling.{field}: expected {expected}, found no such field")
        );

        scaling[field] = 0;
        Assert.That(
            Refuse(("rope_scaling", scaling.ToJsonString())),
            Does.EndWith($"rope_scaling.{field}: expected {expected}, found 0")
        );
    }

    [TestCase("1.0")]
    [TestCase("0.5")]
    public void Llama3_blends_between_two_different_factors(string high)
    {
        Assert.That(
            Refuse(("rope_scaling", Llama3Scaling.Replace("4.0", high))),
            Does.EndWith($"rope_scaling.high_freq_factor: expected a number above low_freq_factor (1), found {high}")
        );
    }

    [TestCase("rope_theta", "0", "rope_theta: expected a number above 0, found 0")]
    [TestCase("rope_theta", "\"10000\"", "rope_theta: expected a number above 0, found \"10000\"")]
    [TestCase("rope_scaling", "4", "rope_scaling: expected an object, found 4")]
    [TestCase("rope_scaling", """{"rope_type":"linear"}""", "factor: expected a number above 0, found no such field")]
    [TestCase("rope_scaling", """{"rope_type":"linear","factor":-1}""", "factor: expected a number above 0, found -1")]
    [TestCase("rope_scaling", """{"rope_type":3}""", "rope_scaling.rope_type: expected text, found 3")]
    [TestCase("partial_rotary_factor", "0.5", "partial_rotary_factor: expected 1 or no such field")]
    [TestCase(
        "rope_parameters",
        """{"partial_rotary_factor":0.5}""",
        "rope_parameters.partial_rotary_factor: expected 1"
    )]
    public void Impossible_values_are_refused(string field, string json, string expected)
    {
        Assert.That(Refuse((field, json)), Does.Contain(expected));
    }

    private static RopeParameters Read(params (string Name, string? Json)[] changes)
    {
        using var folder = new ConfigFolder();
        folder.WithConfigOf(ModelFolders.GsmLlama, [("rope_parameters", null), .. changes]);
        return ModelConfig.Read(folder.FullPath).Rope;
    }

    private static string Refuse(params (string Name, string? Json)[] changes) => Refusal.Of(() => Read(changes));
}
