namespace Ppsd.Host;

/// <summary>The version of this program.</summary>
internal static class ProgramVersion
{
    /// <summary>As it is written: 1.2.3.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly.GetName().Version!.ToString(3);
}
