using System.Text.Json.Nodes;

namespace Ppsd.Tests.Kernels.Checkpoints;

/// <summary>Writes JSON files of a model folder: a sound one with a few fields changed.</summary>
internal sealed class ConfigFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string FullPath => _folder.FullPath;

    public string ConfigPath => _folder.File("config.json");

    /// <summary>
    /// Copies <c>config.json</c> of a folder and changes fields: name to JSON text, null removes the field.
    /// </summary>
    public ConfigFolder WithConfigOf(string sourceFolder, params (string Name, string? Json)[] changes)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(sourceFolder, "config.json")))!.AsObject();
        foreach (var (name, json) in changes)
        {
            Change(config, name, json);
        }

        return WithConfig(config.ToJsonString());
    }

    public ConfigFolder WithConfig(string json) => With("config.json", json);

    public ConfigFolder With(string fileName, string json)
    {
        _folder.Write(fileName, json);
        return this;
    }

    public void Dispose() => _folder.Dispose();

    private static void Change(JsonObject config, string name, string? json)
    {
        var path = name.Split('.');
        foreach (var outer in path[..^1])
        {
            config = config[outer]!.AsObject();
        }

        if (json is null)
        {
            config.Remove(path[^1]);
        }
        else
        {
            config[path[^1]] = JsonNode.Parse(json);
        }
    }
}
