using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Ppsd.Actors.Configuration;

/// <summary>
/// Finds settings below <c>ppsd</c> that nothing reads: Akka would ignore a misspelt key without a word. Pure.
/// </summary>
internal static class KnownSettings
{
    private const string Root = "ppsd";

    /// <summary>Sections whose keys are Akka's own.</summary>
    private static readonly string[] _open = ["ppsd.stage-dispatcher", "ppsd.stage-mailbox"];

    /// <summary>Why a configuration is refused, in one line; null when each of its settings is known.</summary>
    /// <param name="given">What the user wrote.</param>
    /// <param name="builtIn">Every setting there is.</param>
    public static string? Refusal(Config given, Config builtIn)
    {
        var known = Paths(builtIn).ToHashSet();
        var unknown = Paths(given)
            .FirstOrDefault(path => !known.Contains(path) && !Array.Exists(_open, open => IsWithin(path, open)));
        if (unknown is null)
        {
            return null;
        }

        var nearest = known.MinBy(path => (WordDistance.Between(unknown, path), path))!;
        return $"{unknown}: no setting has this name; the nearest is {nearest}";
    }

    private static IEnumerable<string> Paths(Config config) =>
        config.HasPath(Root) ? Paths(Root, config.GetValue(Root)) : [];

    private static IEnumerable<string> Paths(string path, HoconValue value) =>
        value.IsObject() && value.GetObject().Items is { Count: > 0 } items
            ? items.SelectMany(item => Paths($"{path}.{item.Key}", item.Value))
            : [path];

    private static bool IsWithin(string path, string section) =>
        path == section || path.StartsWith(section + ".", StringComparison.Ordinal);
}
