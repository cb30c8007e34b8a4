namespace Ppsd.Actors.Configuration;

/// <summary>How far a misspelt name is from a known one. Pure.</summary>
internal static class WordDistance
{
    /// <summary>
    /// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment); 1 where one word begins
    /// with the other and at least three letters agree.
    /// </summary>
    public static int Between(string a, string b)
    {
        if (
            Math.Min(a.Length, b.Length) >= 3
            && (a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal))
        )
        {
            return a.Length == b.Length ? 0 : 1;
        }

        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            rows[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replaced, 1 + Math.Min(rows[i - 1, j], rows[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
