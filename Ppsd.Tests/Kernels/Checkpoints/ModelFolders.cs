namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>The model folders that lie beside the tests.</summary>
internal static class ModelFolders
{
    /// <summary>Transformers 4 style, one file, 6 layers, untied.</summary>
    public static string TinyLlama { get; } = At("Data/models/tiny-llama");

    /// <summary>Transformers 5 style, five shards, 5 layers, tied, llama3 rope.</summary>
    public static string TinyLlama3 { get; } = At("Data/models/tiny-llama3");

    /// <summary>Two shards, 16 layers.</summary>
    public static string GsmLlama { get; } = At("models/gsm-llama");

    /// <summary>Transformer exit head of gsm-llama after layer 4, of which there are goldens.</summary>
    public static string GsmLlamaExit4 { get; } = At("Data/models/gsm-llama-exit4");

    /// <summary>Reference tensors of tiny-llama: F32 and I32.</summary>
    public static string TinyLlamaGoldens { get; } = At("Data/goldens/tiny-llama.golden.safetensors");

    private static string At(string path) => Path.Combine(TestContext.CurrentContext.TestDirectory, path);
}
