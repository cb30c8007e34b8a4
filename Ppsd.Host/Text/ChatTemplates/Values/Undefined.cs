namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// The value of a variable, attribute or element that does not exist. It prints as nothing, is false and has no
/// elements; any other use is an error that names what is missing.
/// </summary>
/// <param name="message">The error, such as "'x' is undefined".</param>
internal sealed class Undefined(string message)
{
    /// <summary>The error of using it.</summary>
    public TemplateFaultException Fault() => new(message);
}
