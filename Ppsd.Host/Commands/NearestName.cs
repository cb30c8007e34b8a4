using Ppsd.Actors.Configuration;

namespace Ppsd.Host.Commands;

/// <summary>Finds the name that a misspelt one was probably meant to be. Pure.</summary>
internal static class NearestName
{
    /// <summary>" (did you mean NAME?)" for the nearest of the known names, or nothing when none is near.</summary>
    public static string Hint(string misspelt, IEnumerable<string> known) =>
        Find(misspelt, known) is { } name ? $" (did you mean {name}?)" : "";

    /// <summary>The nearest name: at most one letter in three differs, or one begins with the other; null without one.</summary>
    public static string? Find(string misspelt, IEnumerable<string> known)
    {
        var letters = misspelt.TrimStart('-');
        return known
            .Select(name => (Name: name, Distance: WordDistance.Between(letters, name.TrimStart('-'))))
            .Where(candidate => candidate.Distance <= Math.Max(1, letters.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Name.Length)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
    }
}
