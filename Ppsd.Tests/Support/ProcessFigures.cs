using System.Globalization;

namespace Ppsd.Tests.Support;

/// <summary>What a process holds, as Linux tells of it.</summary>
/// <param name="MemoryBytes">Memory that is its own and in use.</param>
/// <param name="Handles">Open descriptors.</param>
/// <param name="Threads">Threads.</param>
internal sealed record ProcessFigures(long MemoryBytes, int Handles, int Threads)
{
    /// <summary>Those of a process that lives.</summary>
    public static ProcessFigures Of(int process)
    {
        var status = File.ReadAllLines($"/proc/{process}/status");
        return new ProcessFigures(
            1024 * Number("VmRSS:"),
            Directory.GetFileSystemEntries($"/proc/{process}/fd").Length,
            (int)Number("Threads:")
        );

        long Number(string name) =>
            long.Parse(
                Array
                    .Find(status, line => line.StartsWith(name, StringComparison.Ordinal))!
                    .Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            );
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{MemoryBytes / 1e6:0} MB, {Handles} descriptors, {Threads} threads"
        );
}
