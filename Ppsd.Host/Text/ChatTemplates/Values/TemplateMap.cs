namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>A map that keeps the order of its entries. Keys are strings or integers.</summary>
internal sealed class TemplateMap
{
    private readonly OrderedDictionary<object, object?> _entries = [];

    /// <summary>Number of entries.</summary>
    public int Count => _entries.Count;

    /// <summary>The keys in order.</summary>
    public IEnumerable<object> Keys => _entries.Keys;

    /// <summary>The values in order.</summary>
    public IEnumerable<object?> Values => _entries.Values;

    /// <summary>The entries in order.</summary>
    public IEnumerable<KeyValuePair<object, object?>> Entries => _entries;

    /// <summary>Sets an entry; a later one with the same key replaces the value.</summary>
    /// <exception cref="TemplateFaultException">The key is neither a string nor an integer.</exception>
    public void Set(object? key, object? value)
    {
        if (key is not (string or long))
        {
            throw new TemplateFaultException($"a key must be a string or an integer, but is {ValueNames.Of(key)}");
        }

        _entries[key] = value;
    }

    /// <summary>Finds an entry.</summary>
    public bool TryGet(object? key, out object? value)
    {
        value = null;
        return key is string or long && _entries.TryGetValue(key, out value);
    }
}
