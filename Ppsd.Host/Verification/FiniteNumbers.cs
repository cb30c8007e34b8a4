namespace Ppsd.Host.Verification;

/// <summary>
/// Whether all that the checks saw of a model was finite: two results that are both NaN are equal, and would pass every
/// comparison.
/// </summary>
internal sealed class FiniteNumbers
{
    private long _values;
    private string? _trouble;

    /// <summary>Looks at the values of some rows.</summary>
    /// <param name="what">What they are: <c>logits</c>.</param>
    public void Look(string what, ReadOnlySpan<float> values)
    {
        _values += values.Length;
        for (var i = 0; i < values.Length && _trouble is null; i++)
        {
            _trouble = float.IsFinite(values[i]) ? null : $"{what} hold {values[i]}";
        }
    }

    /// <summary>What was found.</summary>
    public Finding Result() =>
        new(
            "finite numbers",
            _trouble is null,
            _trouble is null
                ? $"all {_values} values of hidden states and logits"
                : $"{_trouble}: the weights hold such values, or the device computes wrongly"
        );
}
