namespace Ppsd.Tests.Host.Text;

/// <summary>Where the test data lies in the output folder.</summary>
internal static class TextTestData
{
    public static string TinyLlama => Data("models", "tiny-llama");

    public static string TinyLlama3 => Data("models", "tiny-llama3");

    public static string GsmLlama => Path.Combine(TestContext.CurrentContext.TestDirectory, "models", "gsm-llama");

    /// <summary>The ids as an array (a constant array argument would be CA1861).</summary>
    public static int[] Ids(params int[] ids) => ids;

    public static string Data(params string[] parts) =>
        Path.Combine([TestContext.CurrentContext.TestDirectory, "Data", .. parts]);
}
