using System.CommandLine;
using Ppsd.Host.Commands;

namespace Ppsd.Tests.Host.Commands;

/// <summary>What drafts is said once: a command's children get it as it was given.</summary>
public sealed class DraftOptionTests
{
    [TestCase]
    [TestCase("--drafts", "none")]
    [TestCase("--drafts", "exit,ngram", "--max-width", "4")]
    [TestCase("--max-width", "16", "--chain-depth", "3", "--drafts", "chain")]
    public void A_child_process_drafts_as_its_parent_was_told_to(params string[] given)
    {
        var options = new DraftOptions();
        var command = new Command("serve");
        options.AddTo(command);

        string[] passed = [.. options.Arguments(command.Parse(given))];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(passed, Is.EquivalentTo(given));
            Assert.That(command.Parse(passed).Errors, Is.Empty);
            Assert.That(options.Arguments(command.Parse(passed)), Is.EqualTo(passed));
        }
    }
}
