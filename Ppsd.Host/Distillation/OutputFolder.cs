using System.Text;
using System.Text.Json;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Host.Distillation;

/// <summary>
/// The folder of a run and its files. Nothing in it is overwritten but what an earlier run left that saved nothing, and
/// nothing is written before all of that was checked.
/// </summary>
internal sealed class OutputFolder(DistillSettings settings)
{
    private const string Option = "--out";

    private static readonly string[] _ofRun =
    [
        "training-run.json",
        "training-state.safetensors",
        "self-written.jsonl",
        "evaluation.jsonl",
    ];

    private static readonly string[] _ofHead =
    [
        "config.json",
        "model.safetensors",
        DraftVocabulary.FileName,
        "README.md",
        "training.jsonl",
        "training.png",
    ];

    private readonly string _path = settings.OutputFolder;

    /// <summary>The state that a run goes on from.</summary>
    public string State => Path.Combine(_path, _ofRun[1]);

    /// <summary>The settings of the run.</summary>
    public string Record => Path.Combine(_path, _ofRun[0]);

    /// <summary>Texts that the model wrote to train on.</summary>
    public string SelfWritten => Path.Combine(_path, _ofRun[2]);

    /// <summary>Texts that the model wrote to measure heads on.</summary>
    public string Evaluation => Path.Combine(_path, _ofRun[3]);

    private IEnumerable<string> HeadFolders => settings.Heads.Select(settings.FolderOf);

    /// <summary>Refuses a folder that this run must not or cannot write to; leaves everything as it is.</summary>
    /// <exception cref="UserErrorException">It is such a folder; one line.</exception>
    public void Require()
    {
        if (_path.Length == 0)
        {
            throw new UserErrorException($"{Option}: expected a folder, found ''");
        }

        foreach (var folder in HeadFolders.Prepend(_path))
        {
            if (File.Exists(folder))
            {
                throw new UserErrorException($"{Option}: {folder}: expected a folder, found a file");
            }
        }

        try
        {
            RequireOwn();
            RequireWritable();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException($"{Option}: {_path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Writes to a file of the run.</summary>
    /// <exception cref="IOException">It cannot be written; the message names option and file.</exception>
    public static void Write(string path, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            // The last is a file that grows beyond what its file system or a limit allows.
            throw new IOException($"{Option}: {path} cannot be written: {e.Message.Split(" (Parameter")[0]}", e);
        }
    }

    /// <summary>Writes a text file of the run, whole or not at all.</summary>
    /// <exception cref="IOException">It cannot be written; the message names option and file.</exception>
    public static void Write(string path, string text) =>
        Write(path, () => WholeFile.Write(path, Encoding.UTF8.GetBytes(text)));

    private void RequireOwn()
    {
        if (settings.Resumes && !File.Exists(Record))
        {
            throw new UserErrorException($"--resume: expected a run to go on with, found no {Record}");
        }

        if (!Directory.Exists(_path))
        {
            return;
        }

        foreach (var file in _ofRun.Select(name => Path.Combine(_path, name)).Concat(HeadFolders.SelectMany(FilesOf)))
        {
            if (Directory.Exists(file))
            {
                throw new UserErrorException($"{Option}: {file}: expected a file, found a folder");
            }
        }

        foreach (var folder in HeadFolders.Prepend(_path).Distinct())
        {
            RequireHead(Path.Combine(folder, "config.json"));
        }

        if (settings.Resumes)
        {
            return;
        }

        var known = _ofRun.Concat(_ofHead).ToHashSet();
        var strange = File.Exists(Record)
            ? Directory
                .EnumerateFiles(_path)
                .Select(Path.GetFileName)
                .FirstOrDefault(name => !known.Contains(name!.Replace(".partial", "", StringComparison.Ordinal)))
            : Directory.EnumerateFileSystemEntries(_path).Select(Path.GetFileName).Order().FirstOrDefault();
        if (strange is not null)
        {
            throw new UserErrorException(
                $"{Option}: {_path}: expected a new or empty folder, found one that holds something else ({strange})"
            );
        }

        if (HeadFolders.Any(folder => File.Exists(Path.Combine(folder, "README.md"))))
        {
            throw new UserErrorException(
                $"{Option}: {_path}: expected a new or empty folder, found the heads of a finished run; give another folder, or delete this one"
            );
        }

        if (Array.Exists([State, SelfWritten, Evaluation], file => new FileInfo(file) is { Exists: true, Length: > 0 }))
        {
            throw new UserErrorException(
                $"{Option}: {_path}: a run is saved there; --resume goes on with it, or give another folder"
            );
        }
    }

    /// <summary>Refuses the folder of a model, or of anything else that has a configuration.</summary>
    private static void RequireHead(string config)
    {
        if (!File.Exists(config))
        {
            return;
        }

        var type = "";
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(config));
            type = json.RootElement.TryGetProperty("model_type", out var found) ? $"{found}" : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not a head's.
        }

        if (type != ExitHeadConfig.ModelType)
        {
            throw new UserErrorException(
                $"{Option}: {Path.GetDirectoryName(config)}: expected a new or empty folder, found {(type.Length > 0 ? $"a model of the type '{type}'" : "another config.json")}"
            );
        }
    }

    /// <summary>Makes the folder and a file in it, and takes away both.</summary>
    private void RequireWritable()
    {
        var made = new List<string>();
        for (
            var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(_path));
            folder is not null && !Directory.Exists(folder);
            folder = Path.GetDirectoryName(folder)
        )
        {
            made.Add(folder);
        }

        try
        {
            Directory.CreateDirectory(_path);
            foreach (var folder in HeadFolders.Prepend(_path).Where(Directory.Exists).Distinct())
            {
                var probe = Path.Combine(folder, $".{Guid.NewGuid():N}");
                using var file = new FileStream(
                    probe,
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    bufferSize: 1,
                    FileOptions.DeleteOnClose
                );
            }
        }
        finally
        {
            made.Where(Directory.Exists).ToList().ForEach(Directory.Delete);
        }
    }

    private static IEnumerable<string> FilesOf(string head) => _ofHead.Select(name => Path.Combine(head, name));
}
