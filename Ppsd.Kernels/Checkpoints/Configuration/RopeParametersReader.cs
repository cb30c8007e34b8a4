using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>
/// Reads a model's rotary embedding, in both styles: transformers 5 keeps all in <c>rope_parameters</c>, transformers 4 the
/// base in <c>rope_theta</c> and the rest in <c>rope_scaling</c>, whose kind was first called <c>type</c>. Where a config has
/// both, <c>rope_scaling</c> counts, as in transformers 5; only the base may come from the other.
/// </summary>
internal static class RopeParametersReader
{
    /// <summary>Reads and checks it.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="family">What absent fields mean.</param>
    /// <param name="headSize">Elements of a head.</param>
    /// <exception cref="CheckpointException">
    /// The kind is not one of ours, or a number is missing or impossible.
    /// </exception>
    public static RopeParameters Read(JsonFields config, ModelFamily family, int headSize)
    {
        var parameters = Find(config, "rope_parameters");
        var rope = Find(config, "rope_scaling") ?? parameters;
        var outerSize = RotatedSize(config, family, headSize);
        var outerTheta = config.FindPositiveDouble("rope_theta") ?? family.DefaultTheta;
        if (rope is null)
        {
            return new(RopeKind.Default, outerTheta) { RotatedSize = outerSize };
        }

        var rotated = RotatedSize(rope, family, headSize) ?? outerSize;
        var theta = rope.FindPositiveDouble("rope_theta") ?? parameters?.FindPositiveDouble("rope_theta") ?? outerTheta;
        var field = rope.Find("rope_type") is null && rope.Find("type") is not null ? "type" : "rope_type";
        return family.KindOfRope(rope.FindString(field)) switch
        {
            null or "default" => new(RopeKind.Default, theta) { RotatedSize = rotated },
            "linear" => new(RopeKind.Linear, theta, rope.RequirePositiveDouble("factor")) { RotatedSize = rotated },
            "llama3" => ReadLlama3(rope, theta) with { RotatedSize = rotated },
            "yarn" => ReadYarn(config, rope, theta) with { RotatedSize = rotated },
            "dynamic" => ReadDynamic(config, rope, theta) with { RotatedSize = rotated },
            "longrope" or "su" => ReadLongRope(config, rope, theta, rotated ?? headSize) with { RotatedSize = rotated },
            _ => throw rope.Refuse(field, "default, linear, llama3, yarn, dynamic or longrope"),
        };
    }

    // An empty object counts as none. One for each type of layer can be used where they are alike.
    private static JsonFields? Find(JsonFields config, string name)
    {
        if (config.FindObject(name) is not { } rope || rope.Names().ToArray() is not { Length: > 0 } names)
        {
            return null;
        }

        var objects = names.Where(inner => rope.Find(inner) is { ValueKind: JsonValueKind.Object }).ToArray();
        return objects.Length == 0 ? rope
            : objects.Length == names.Length
            && objects.All(inner => JsonElement.DeepEquals(rope.Find(inner)!.Value, rope.Find(objects[0])!.Value))
                ? rope.FindObject(objects[0])
            : throw config.Refuse(name, "the same for all types of layers");
    }

    private static RopeParameters ReadYarn(JsonFields config, JsonFields rope, double theta)
    {
        var original = OriginalPositions(config, rope);
        var factor = rope.FindPositiveDouble("factor") ?? ContextFactor(config, rope, original);
        var fast = rope.FindPositiveDouble("beta_fast") ?? 32;
        var slow = rope.FindDouble(
            "beta_slow",
            number => number > 0 && number < fast,
            $"a number below beta_fast ({fast})"
        );
        return new(RopeKind.Yarn, theta, factor, OriginalMaxPositions: original)
        {
            FastTurns = fast,
            SlowTurns = slow ?? 1,
            RoundsBlend = rope.FindBoolean("truncate") ?? true,
            AttentionFactor = rope.FindPositiveDouble("attention_factor") ?? YarnAttentionFactor(rope, factor),
        };
    }

    // Zero counts as not given, as in transformers.
    private static double YarnAttentionFactor(JsonFields rope, double factor)
    {
        var scale = rope.FindDouble("mscale", number => number >= 0, "a number from 0") ?? 0;
        var scaleOfAll = rope.FindDouble("mscale_all_dim", number => number >= 0, "a number from 0") ?? 0;
        return scale > 0 && scaleOfAll > 0 ? Temperature(scale) / Temperature(scaleOfAll) : Temperature(1);

        double Temperature(double by) => factor <= 1 ? 1 : (0.1 * by * Math.Log(factor)) + 1;
    }

    // transformers reads no original context here: the base grows beyond the model's own.
    private static RopeParameters ReadDynamic(JsonFields config, JsonFields rope, double theta) =>
        new(
            RopeKind.Dynamic,
            theta,
            rope.RequirePositiveDouble("factor"),
            OriginalMaxPositions: config.RequireInt32("max_position_embeddings", 1)
        );

    private static RopeParameters ReadLongRope(JsonFields config, JsonFields rope, double theta, int size)
    {
        // The scale of cosines and sines divides by the original context's logarithm.
        var original = OriginalPositions(config, rope, minimum: 2);
        var factor = rope.FindPositiveDouble("factor") ?? ContextFactor(config, rope, original);
        return new(RopeKind.LongRope, theta, factor, OriginalMaxPositions: original)
        {
            ShortFactors = Divisors("short_factor"),
            LongFactors = Divisors("long_factor"),
            AttentionFactor =
                rope.FindPositiveDouble("attention_factor")
                ?? (factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)))),
        };

        double[] Divisors(string name)
        {
            var divisors = rope.FindPositiveDoubles(name);
            return divisors?.Length == size / 2
                ? divisors
                : throw rope.Refuse(name, $"{size / 2} numbers above 0, one for each pair that is rotated");
        }
    }

    // Phi 3 keeps it beside the other fields; transformers lets that one count.
    private static int? FindOriginal(JsonFields config, JsonFields rope, int minimum = 1)
    {
        const string Name = "original_max_position_embeddings";
        return config.FindInt32(Name, minimum) ?? rope.FindInt32(Name, minimum);
    }

    private static int OriginalPositions(JsonFields config, JsonFields rope, int minimum = 1) =>
        FindOriginal(config, rope, minimum) ?? config.RequireInt32("max_position_embeddings", minimum);

    private static double ContextFactor(JsonFields config, JsonFields rope, int original) =>
        FindOriginal(config, rope) is null
            ? rope.RequirePositiveDouble("factor")
            : (double)config.RequireInt32("max_position_embeddings", 1) / original;

    private static RopeParameters ReadLlama3(JsonFields rope, double theta)
    {
        var low = rope.RequirePositiveDouble("low_freq_factor");
        return new(
            RopeKind.Llama3,
            theta,
            rope.RequirePositiveDouble("factor"),
            low,
            // The blend divides by high - low.
            rope.FindDouble("high_freq_factor", high => high > low, $"a number above low_freq_factor ({low})")
                ?? throw rope.Refuse("high_freq_factor", $"a number above low_freq_factor ({low})"),
            rope.RequireInt32("original_max_position_embeddings", 1)
        );
    }

    /// <summary>Elements that are rotated where that is not all of them; null where the field is absent or 1.</summary>
    private static int? RotatedSize(JsonFields fields, ModelFamily family, int headSize)
    {
        const string Name = "partial_rotary_factor";
        if (!family.MayRotatePartly)
        {
            fields.FindDouble(Name, factor => factor == 1, "1 or no such field (heads are rotated as a whole)");
            return null;
        }

        var factor = fields.FindDouble(
            Name,
            factor => factor <= 1 && SizeOf(factor) is > 0 and var size && size % 2 == 0,
            $"a number up to 1 that makes an even number of a head's {headSize} elements"
        );
        return factor is { } share && SizeOf(share) < headSize ? SizeOf(share) : null;

        int SizeOf(double factor) => (int)(headSize * factor);
    }
}
