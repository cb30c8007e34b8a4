using System.Text.Json.Nodes;

namespace Ppsd.Tests.Host.Text;

/// <summary>A model folder that a test puts together; gone when disposed.</summary>
internal sealed class ModelFolder : IDisposable
{
    public ModelFolder() => Path = Directory.CreateTempSubdirectory("ppsd-text-").FullName;

    public string Path { get; }

    /// <summary>The tokenizer files of tiny-llama3, with tokenizer.json changed.</summary>
    public static ModelFolder Llama3With(Action<JsonObject> change)
    {
        var folder = new ModelFolder();
        folder.Copy(TextTestData.TinyLlama3, "tokenizer_config.json");
        var json = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(TextTestData.TinyLlama3, "tokenizer.json")))!;
        change(json.AsObject());
        folder.Write("tokenizer.json", json.ToJsonString());
        return folder;
    }

    /// <summary>The tokenizer.model of tiny-llama with another tokenizer_config.json.</summary>
    public static ModelFolder LlamaWith(string tokenizerConfig)
    {
        var folder = new ModelFolder();
        folder.Copy(TextTestData.TinyLlama, "tokenizer.model");
        folder.Write("tokenizer_config.json", tokenizerConfig);
        return folder;
    }

    public void Copy(string fromFolder, string fileName) =>
        File.Copy(System.IO.Path.Combine(fromFolder, fileName), System.IO.Path.Combine(Path, fileName));

    public void Write(string fileName, string text) => File.WriteAllText(System.IO.Path.Combine(Path, fileName), text);

    public void Write(string fileName, byte[] bytes) =>
        File.WriteAllBytes(System.IO.Path.Combine(Path, fileName), bytes);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
