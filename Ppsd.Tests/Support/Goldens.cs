using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Support;

/// <summary>
/// What transformers computed in fp32 from a model's weights, per prompt; for the models of <see cref="MadeModels"/> what
/// <see cref="ReferenceModel"/> computes.
/// </summary>
internal sealed record Golden(
    int[] InputIds,
    int[] Greedy,
    float[][] Logits,
    IReadOnlyDictionary<int, float[][]> Hidden
)
{
    public static IReadOnlyList<Golden> Read(string model)
    {
        if (MadeModels.Names.Contains(model))
        {
            return MadeModels.Goldens(model);
        }

        using var file = SafetensorsFile.Open(TestModels.Golden(model));
        var names = file.Entries.Select(entry => entry.Name).ToList();
        var goldens = new List<Golden>();
        for (var i = 0; names.Contains($"{i}.input_ids"); i++)
        {
            var prefix = $"{i}.hidden.";
            goldens.Add(
                new Golden(
                    Integers(file, $"{i}.input_ids"),
                    Integers(file, $"{i}.greedy"),
                    Rows(file, $"{i}.logits"),
                    names
                        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                        .ToDictionary(name => int.Parse(name[prefix.Length..]), name => Rows(file, name))
                )
            );
        }

        return goldens;
    }

    private static int[] Integers(SafetensorsFile file, string name)
    {
        var tensor = file.Require(name);
        var values = new int[tensor.ElementCount];
        tensor.ReadRow(0, values);
        return values;
    }

    private static float[][] Rows(SafetensorsFile file, string name)
    {
        var tensor = file.Require(name);
        return
        [
            .. Enumerable
                .Range(0, (int)tensor.RowCount)
                .Select(row =>
                {
                    var values = new float[tensor.RowLength];
                    tensor.ReadRow(row, values);
                    return values;
                }),
        ];
    }
}
