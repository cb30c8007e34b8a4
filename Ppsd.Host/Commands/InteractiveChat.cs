using Ppsd.Actors.Client;
using Ppsd.Host.Generation;
using Ppsd.Host.Terminal;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Commands;

/// <summary>A chat, line by line: questions from standard input, answers on standard output.</summary>
/// <param name="generator">Generates the answers.</param>
/// <param name="conversation">What has been said.</param>
/// <param name="context">Positions of the model's context.</param>
/// <param name="interrupts">What Ctrl+C does.</param>
internal sealed class InteractiveChat(
    TextGenerator generator,
    Conversation conversation,
    int context,
    ChatInterrupts interrupts
)
{
    private const string Clear = "/clear";
    private const string Exit = "/exit";

    /// <summary>Answers until <c>/exit</c>, the end of input or Ctrl+C at the prompt.</summary>
    /// <param name="settings">How to generate; an answer is never longer than the context has room for.</param>
    /// <exception cref="UserErrorException">
    /// The conversation no longer fits. At a terminal the error is printed and the chat continues without the question;
    /// with input from a file or a pipe the program ends, because no user can react.
    /// </exception>
    /// <exception cref="TextException">The chat template refuses the conversation.</exception>
    /// <exception cref="GenerationException">An answer was refused or broke off.</exception>
    /// <exception cref="OperationCanceledException">The program was asked to terminate during an answer.</exception>
    public async Task RunAsync(GenerationSettings settings)
    {
        if (HasPerson)
        {
            ErrorConsole.WriteDimmed($"{Clear} forgets the conversation, {Exit} ends it, Ctrl+C stops an answer");
        }

        while (await ReadLineAsync() is { } line && line != Exit)
        {
            if (line == Clear)
            {
                conversation.Clear();
            }
            else if (line.Length > 0)
            {
                try
                {
                    await AnswerAsync(line, settings);
                }
                catch (Exception e) when (HasPerson && e is UserErrorException or TextException or GenerationException)
                {
                    ErrorConsole.Complain(e.Message);
                }
            }
        }
    }

    private static bool HasPerson => !Console.IsInputRedirected && ErrorConsole.IsTerminal;

    /// <summary>The next line without white space around it; null when there will be none.</summary>
    private async Task<string?> ReadLineAsync()
    {
        if (HasPerson)
        {
            await Console.Error.WriteAsync("> ");
        }

        try
        {
            // Reading a console cannot be cancelled; a reader that is left behind ends with the process.
            var line = await Task.Run(Console.ReadLine).WaitAsync(interrupts.Leave);
            if (line is null && HasPerson)
            {
                await Console.Error.WriteLineAsync();
            }

            return line?.Trim();
        }
        catch (OperationCanceledException) when (interrupts.Leave.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync();
            return null;
        }
    }

    private async Task AnswerAsync(string question, GenerationSettings settings)
    {
        var prompt = conversation.Prompt(question);
        var limited = settings with { MaxTokens = Math.Min(settings.MaxTokens, context - prompt.Length) };
        if (settings.IsSeedDrawn)
        {
            // Anew for each answer: the same question twice need not get the same one.
            limited = limited with
            {
                Sampling = limited.Sampling with { Seed = DrawnSeed.Next() },
            };
        }

        var answer = new StreamedText(settings.ShowDrafts);
        try
        {
            var stopped = interrupts.BeginAnswer();
            var result = await answer.PrintAsync(generator.StreamAsync(prompt, limited, stopped));
            conversation.Add(question, result.Text);
            SummaryView.PrintLine(result.Stats, limited);
        }
        catch (OperationCanceledException) when (!interrupts.Leave.IsCancellationRequested)
        {
            // What was read before it was stopped has been said; a question without any answer is taken back.
            if (answer.Printed.Length > 0)
            {
                conversation.Add(question, answer.Printed);
            }
        }
        finally
        {
            interrupts.EndAnswer();
        }
    }
}
