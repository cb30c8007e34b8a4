using System.Globalization;

namespace Ppsd.Host.Planning;

/// <summary>
/// The acceptance rate expected of an exit head after each layer: one rate for all, or rates at some layers, straight
/// between them and level beyond. Pure.
/// </summary>
public sealed class AlphaCurve
{
    private readonly SortedList<int, double> _rates;

    private AlphaCurve(SortedList<int, double> rates) => _rates = rates;

    /// <summary>The rate after <paramref name="exitLayer"/> layers.</summary>
    public double At(int exitLayer)
    {
        var above = _rates.Keys.ToList().FindIndex(layer => layer >= exitLayer);
        if (above < 0)
        {
            return _rates.Values[^1];
        }

        if (above == 0)
        {
            return _rates.Values[0];
        }

        var (low, high) = (_rates.Keys[above - 1], _rates.Keys[above]);
        var share = (exitLayer - low) / (double)(high - low);
        return _rates.Values[above - 1] + share * (_rates.Values[above] - _rates.Values[above - 1]);
    }

    /// <summary>Reads <c>0.8</c>, or <c>4:0.7,8:0.85</c> with exit layers before the colons.</summary>
    /// <exception cref="FormatException">One line: what was expected, and what was found.</exception>
    public static AlphaCurve Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rates = new SortedList<int, double>();
        foreach (var part in text.Split(','))
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            var layer = 0;
            var isPoint = colon >= 0;
            if (
                (isPoint && !int.TryParse(part.AsSpan(0, colon), NumberStyles.None, null, out layer))
                || !double.TryParse(
                    part.AsSpan(colon + 1),
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var rate
                )
                || rate > 1
                || (!isPoint && text.Contains(','))
                || !rates.TryAdd(layer, rate)
            )
            {
                throw new FormatException($"expected a rate from 0 to 1, or LAYER:RATE between commas, found '{text}'");
            }
        }

        return new AlphaCurve(rates);
    }
}
