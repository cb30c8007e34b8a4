using System.Globalization;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Profiling;

namespace Ppsd.Host.Distillation;

/// <summary>Where the time of training went, as lines of a table.</summary>
internal static class ProfileReport
{
    /// <param name="profile">What was timed.</param>
    /// <param name="productRate">Multiplications and additions a second of a product alone, beside it.</param>
    public static IEnumerable<string> Lines(TrainingProfile profile, double productRate)
    {
        yield return Row("where the time goes", "all", "products", "attention", "rest", "GFLOP/s", "of a product");
        foreach (var part in TrainingProfile.Parts)
        {
            var rate = profile.FlopRate(part);
            yield return Row(
                NameOf(part),
                Share(profile.SecondsOf(part) / profile.Seconds),
                Share(profile.SecondsOf(part, OperationKind.Products) / profile.Seconds),
                Share(profile.SecondsOf(part, OperationKind.Attention) / profile.Seconds),
                Share(profile.SecondsOf(part, OperationKind.Rows) / profile.Seconds),
                double.IsNaN(rate) ? "" : Number(rate / 1e9),
                double.IsNaN(rate) ? "" : Share(rate / productRate)
            );
        }

        yield return Row("a product alone", "", "", "", "", Number(productRate / 1e9), "");
    }

    private static string NameOf(TrainingPart part) =>
        part switch
        {
            TrainingPart.Teacher => "  teacher, forward",
            TrainingPart.Heads => "  heads, forward",
            TrainingPart.Losses => "  LM head and losses",
            TrainingPart.Backward => "  heads, backward",
            TrainingPart.Optimiser => "  optimiser",
            _ => throw new ArgumentOutOfRangeException(nameof(part), part, "no part of a step"),
        };

    private static string Row(string name, params IEnumerable<string> cells) =>
        (name.PadRight(24) + string.Concat(cells.Select(cell => cell.PadLeft(13)))).TrimEnd();

    private static string Share(double share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);

    private static string Number(double number) => number.ToString("N1", CultureInfo.InvariantCulture);
}
