using System.Globalization;

namespace Ppsd.Actors.Stages;

/// <summary>What this process takes of the machine's memory.</summary>
internal static class ProcessMemory
{
    /// <summary>
    /// Bytes that no file backs: heaps, stacks, pinned buffers. Pages of a mapped checkpoint are not among them. Where the
    /// system does not tell them apart, the whole working set.
    /// </summary>
    public static long AnonymousBytes()
    {
        const string Name = "RssAnon:";
        const string Status = "/proc/self/status";
        var line = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal))
            : null;
        return line is null
            ? Environment.WorkingSet
            : long.Parse(line[Name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture)
                * 1024;
    }
}
