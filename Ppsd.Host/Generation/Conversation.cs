using Ppsd.Host.Models;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Generation;

/// <summary>What a person and the model have said to each other. For one thread at a time.</summary>
/// <param name="assets">The model; its chat template renders the conversation.</param>
/// <param name="system">What stands before everything; null for nothing.</param>
internal sealed class Conversation(ModelAssets assets, string? system)
{
    private readonly List<ChatMessage> _turns = [];

    /// <summary>Tokens of the conversation with one more question, up to where its answer begins; keeps nothing of it.</summary>
    /// <exception cref="UserErrorException">They leave no room in the model's context for an answer.</exception>
    /// <exception cref="TextException">There is no chat template, or it refuses the conversation.</exception>
    public int[] Prompt(string question)
    {
        var first = system is null ? Array.Empty<ChatMessage>() : [new ChatMessage("system", system)];
        var tokens = assets.EncodeChat([.. first, .. _turns, new ChatMessage("user", question)]);
        var context = assets.Config.MaxPositions;
        if (tokens.Length < context)
        {
            return tokens;
        }

        var remedy = _turns.Count > 0 ? "/clear begins a new one" : "ask for less at once";
        throw new UserErrorException(
            $"the conversation is {tokens.Length} tokens long and leaves no room for an answer in the model's context of {context}; {remedy}"
        );
    }

    /// <summary>Keeps a question and its answer.</summary>
    public void Add(string question, string answer)
    {
        _turns.Add(new ChatMessage("user", question));
        _turns.Add(new ChatMessage("assistant", answer));
    }

    /// <summary>Forgets all but what stands before everything.</summary>
    public void Clear() => _turns.Clear();
}
