using System.Collections.Concurrent;

namespace Ppsd.Host.Bench.Replay;

/// <summary>
/// Texts that a benchmark has decoded without drafts, so that drafts can be replayed at a given acceptance: real compute on
/// shapes whose heads nobody has. Any thread may use it.
/// </summary>
/// <param name="acceptance">Share of positions whose drafts are right, from 0 to 1.</param>
internal sealed class ReplayedTexts(double acceptance)
{
    private readonly ConcurrentDictionary<string, int[]> _texts = new();

    /// <summary>Share of positions whose drafts are right.</summary>
    public double Acceptance { get; } = acceptance;

    /// <summary>Records a text.</summary>
    /// <param name="prompt">Its prompt's tokens.</param>
    /// <param name="tokens">The tokens generated.</param>
    public void Note(IReadOnlyList<int> prompt, IReadOnlyList<int> tokens)
    {
        int[] text = [.. prompt, .. tokens];
        _texts.AddOrUpdate(KeyOf(prompt), text, (_, known) => known.Length >= text.Length ? known : text);
    }

    /// <summary>The longest text recorded for a prompt, prompt included; null when there is none.</summary>
    public IReadOnlyList<int>? Find(IReadOnlyList<int> prompt) => _texts.GetValueOrDefault(KeyOf(prompt));

    /// <summary>
    /// True when drafts of a position are right, the same for whatever proposes them: a step of a chain whose steps before
    /// were right is right as often as step 0.
    /// </summary>
    /// <param name="text">Key of the text; sessions that run at the same time do not fail at the same positions.</param>
    public bool IsRight(uint text, int position) => Hash(Hash(text) ^ (uint)position) < Acceptance * uint.MaxValue;

    /// <summary>The key of a text, by its prompt.</summary>
    public static uint KeyOfText(IReadOnlyList<int> prompt) =>
        prompt.Aggregate(0u, (key, token) => Hash(key ^ (uint)token));

    private static string KeyOf(IReadOnlyList<int> prompt) => string.Join(',', prompt);

    /// <summary>Mixes well enough that neighbours do not resemble one another (the finalizer of MurmurHash3).</summary>
    private static uint Hash(uint value)
    {
        unchecked
        {
            value = (value + 0x9E3779B9) * 0x85EBCA6B;
            value = (value ^ (value >> 13)) * 0xC2B2AE35;
            return value ^ (value >> 16);
        }
    }
}
