namespace Ppsd.Actors.Ids;

/// <summary>Everything a session drafts between two rejections. Counts up; messages of an earlier run are dropped.</summary>
/// <param name="Value">From 0.</param>
public readonly record struct RunId(int Value) : IComparable<RunId>
{
    /// <summary>The run after this one.</summary>
    public RunId Next => new(Value + 1);

    /// <inheritdoc />
    public int CompareTo(RunId other) => Value.CompareTo(other.Value);

    /// <summary>True when <paramref name="left"/> is earlier.</summary>
    public static bool operator <(RunId left, RunId right) => left.Value < right.Value;

    /// <summary>True when <paramref name="left"/> is later.</summary>
    public static bool operator >(RunId left, RunId right) => left.Value > right.Value;

    /// <summary>True when <paramref name="left"/> is not later.</summary>
    public static bool operator <=(RunId left, RunId right) => left.Value <= right.Value;

    /// <summary>True when <paramref name="left"/> is not earlier.</summary>
    public static bool operator >=(RunId left, RunId right) => left.Value >= right.Value;
}
