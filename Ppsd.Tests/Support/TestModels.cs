using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Support;

/// <summary>The models that travel with the tests, by name.</summary>
internal static class TestModels
{
    public const string Tiny = "tiny-llama";
    public const string Tiny3 = "tiny-llama3";
    public const string Gsm = "gsm-llama";
    public const string Qwen2 = "tiny-qwen2";
    public const string Qwen3 = "tiny-qwen3";
    public const string Mistral = "tiny-mistral";
    public const string Yarn = "tiny-llama-yarn";
    public const string Bias = "tiny-llama-bias";

    /// <summary>A model of each family and of what LLaMA itself may differ in.</summary>
    public static IReadOnlyList<string> Families { get; } = [Qwen2, Qwen3, Mistral, Yarn, Bias, .. MadeModels.Names];

    /// <summary>The head of gsm-llama that the goldens are of; the bundled ones came later.</summary>
    public static string GsmExitHead { get; } = Path.Combine(Root, "Data", "models", "gsm-llama-exit4");

    /// <summary>A file or folder of those that lie beside the project.</summary>
    public static string Shared(params string[] path)
    {
        var folder = new DirectoryInfo(Root);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Ppsd.slnx")))
        {
            folder = folder.Parent;
        }

        return Path.Combine([folder?.Parent?.FullName ?? Root, "shared", .. path]);
    }

    private static string Root => TestContext.CurrentContext.TestDirectory;

    public static string Folder(string name) =>
        name == Gsm ? Path.Combine(Root, "models", name)
        : MadeModels.Names.Contains(name) ? MadeModels.Folder(name)
        : Path.Combine(Root, "Data", "models", name);

    public static string Golden(string name) => Path.Combine(Root, "Data", "goldens", $"{name}.golden.safetensors");

    public static StageModelOptions Options(
        string name,
        int firstLayer = 0,
        int? layerCount = null,
        string? exitHead = null,
        int maxRows = 64
    )
    {
        var folder = Path.IsPathRooted(name) ? name : Folder(name);
        var config = ModelConfig.Read(folder);
        return new StageModelOptions
        {
            ModelFolder = folder,
            Config = config,
            FirstLayer = firstLayer,
            LayerCount = layerCount ?? config.LayerCount - firstLayer,
            ExitHeads = exitHead is null ? [] : [new ExitHeadSource(ExitHeadConfig.Read(exitHead), exitHead)],
            MaxRows = maxRows,
            KvCacheBytes = 64 << 20,
        };
    }

    public static StageModel Load(Backend backend, string name, int maxRows = 64) =>
        StageModelLoader.Load(backend, Options(name, maxRows: maxRows));
}
