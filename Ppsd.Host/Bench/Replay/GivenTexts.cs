namespace Ppsd.Host.Bench.Replay;

/// <summary>Prompts with the texts that are given for them.</summary>
/// <param name="Texts">Tokens of each prompt and of its text.</param>
/// <param name="Known">The same, to be found by their prompts.</param>
internal sealed record GivenTexts(List<(int[] Prompt, int[] Answer)> Texts, ReplayedTexts Known)
{
    /// <summary>Indexes the texts by their prompts.</summary>
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
