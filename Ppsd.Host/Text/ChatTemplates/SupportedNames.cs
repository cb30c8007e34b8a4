using Ppsd.Host.Text.ChatTemplates.Functions;
using Ppsd.Host.Text.ChatTemplates.Syntax;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>
/// Refuses a template whose filters, tests or functions are not known, when it is read: a server that began with it would
/// fail in conversations.
/// </summary>
internal static class SupportedNames
{
    /// <summary>Names that the renderer gives a meaning where they stand.</summary>
    private static readonly string[] _local = ["caller", "loop"];

    /// <summary>Checks all names.</summary>
    /// <exception cref="TextException">One is not known; the message lists those that are.</exception>
    public static void Check(TemplateSource source, NameUses uses)
    {
        Check("filter", uses.Filters, Filters.Names);
        Check("test", uses.Tests, ValueTests.Names);
        Check("function", uses.Functions.Where(use => !_local.Contains(use.Name)), GlobalFunctions.Names);

        void Check(string kind, IEnumerable<(int At, string Name)> used, IReadOnlyCollection<string> known)
        {
            foreach (var (at, name) in used)
            {
                if (!known.Contains(name))
                {
                    throw source.Error(
                        at,
                        $"the {kind} '{name}' is not supported; supported: {string.Join(", ", known)}"
                    );
                }
            }
        }
    }
}
