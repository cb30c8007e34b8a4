namespace Ppsd.Host.Bench.Replay;

/// <summary>Prompts with the texts that are given for them.</summary>
/// <param name="Texts">Both, in tokens.</param>
/// <param name="Known">The same, to be found by their prompts.</param>
internal sealed record GivenTexts(List<(int[] Prompt, int[] Answer)> Texts, ReplayedTexts Known)
{
    /// <summary>Makes them findable.</summary>
    public static GivenTexts Of(List<(int[] Prompt, int[] Answer)> texts)
    {
        var known = new ReplayedTexts(acceptance: 0);
        foreach (var (prompt, answer) in texts)
        {
            known.Note(prompt, answer);
        }

        return new GivenTexts(texts, known);
    }
}
