using System.Text;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Terminal;

/// <summary>One text on standard output, printed while it is decoded.</summary>
/// <param name="showsDrafts">True to show drafts too; only where standard output is a terminal.</param>
internal sealed class StreamedText(bool showsDrafts)
{
    private readonly StringBuilder _printed = new();

    /// <summary>Verified text printed until now; all there is of a text that was broken off.</summary>
    public string Printed => _printed.ToString();

    /// <summary>Prints what happens until the text is complete, and ends its line even if it is broken off.</summary>
    /// <exception cref="InvalidOperationException">The events ended without a result.</exception>
    public async Task<TextResult> PrintAsync(IAsyncEnumerable<TextEvent> events)
    {
        var view = new DraftStreamView(
            StandardOutput.Writer,
            () => showsDrafts ? Console.WindowWidth : int.MaxValue,
            OutputConsole.HasColours
        );
        var begun = false;
        try
        {
            await foreach (var next in events)
            {
                begun = true;
                switch (next)
                {
                    case TextAdded added:
                        view.Add(added.Text);
                        _printed.Append(added.Text);
                        break;
                    case DraftTextChanged drafts:
                        view.ShowDrafts(drafts);
                        break;
                    case TextCompleted completed:
                        return completed.Result;
                    default:
                        break;
                }
            }
        }
        finally
        {
            if (begun)
            {
                view.Complete();
            }
        }

        throw new InvalidOperationException("a generation ended without a result");
    }
}
