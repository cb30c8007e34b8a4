namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// Limits on rendering one conversation. A template may come from any publisher: whatever it contains, rendering ends
/// soon, with a result or with an error, and neither fills the memory nor exhausts the stack.
/// </summary>
internal sealed class RenderBudget
{
    /// <summary>
    /// Number of steps: evaluated nodes, loop rounds and list elements, and one for every 16 characters.
    /// </summary>
    public const int MaxSteps = 5_000_000; // about half a second

    /// <summary>The longest text, in UTF-16 units.</summary>
    public const int MaxLength = 1 << 22;

    /// <summary>The longest list.</summary>
    public const int MaxCount = 1 << 18;

    /// <summary>How deep expressions, blocks and macro calls may be nested, and values within values.</summary>
    public const int MaxDepth = 300;

    private const int UnitsPerStep = 16;

    private int _steps;
    private int _depth;

    /// <summary>Counts one step.</summary>
    /// <exception cref="TemplateFaultException">There have been too many.</exception>
    public void Step() => Count(1);

    /// <summary>Counts making or reading a text of this length; call it before.</summary>
    /// <exception cref="TemplateFaultException">It is too long, or there have been too many steps.</exception>
    public void Text(long length)
    {
        CheckLength(length);
        Count(1 + ((int)length / UnitsPerStep));
    }

    /// <summary>
    /// Counts a search for a part in a text; call it before doing so. A long part may match in part at every place, so
    /// each character then costs more.
    /// </summary>
    /// <exception cref="TemplateFaultException">There have been too many steps.</exception>
    public void Search(int length, int partLength) =>
        Count((int)Math.Min(MaxSteps, 1 + ((long)length / UnitsPerStep * (1 + (partLength / 256)))));

    /// <summary>Counts the creation of a list of this many elements; call it before creating the list.</summary>
    /// <exception cref="TemplateFaultException">It is too long, or there have been too many steps.</exception>
    public void List(long count)
    {
        if (count > MaxCount)
        {
            throw new TemplateFaultException($"the template makes a list of more than {MaxCount} elements");
        }

        Count(1 + (int)count);
    }

    /// <summary>Refuses a text that has become too long.</summary>
    /// <exception cref="TemplateFaultException">The text is too long.</exception>
    public static void CheckLength(long length)
    {
        if (length > MaxLength)
        {
            throw new TemplateFaultException($"the template makes a text of more than {MaxLength} characters");
        }
    }

    /// <summary>Enters something nested; <see cref="Leave"/> ends it.</summary>
    /// <exception cref="TemplateFaultException">It is nested too deeply.</exception>
    public void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw new TemplateFaultException($"the template is nested more than {MaxDepth} deep");
        }
    }

    /// <summary>Leaves something nested.</summary>
    public void Leave() => _depth--;

    /// <summary>Refuses a value that is nested too deeply.</summary>
    /// <exception cref="TemplateFaultException">It is deeper than the limit.</exception>
    public static void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new TemplateFaultException($"a value is nested more than {MaxDepth} deep");
        }
    }

    private void Count(int steps)
    {
        _steps += steps;
        if (_steps > MaxSteps)
        {
            throw new TemplateFaultException($"the template needs more than {MaxSteps} steps");
        }
    }
}
