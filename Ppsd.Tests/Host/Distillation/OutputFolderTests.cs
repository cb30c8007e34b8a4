using Ppsd.Actors.Planning;
using Ppsd.Host;
using Ppsd.Host.Distillation;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>What a run refuses to write to, and that it leaves there what was there.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OutputFolderTests
{
    [Test]
    public void A_folder_that_is_missing_or_empty_is_taken_and_left_as_it_was()
    {
        using var folder = new TemporaryFolder();
        Output(folder.FullPath).Require();
        Output(folder.File("a/b/c")).Require();

        Assert.That(Directory.EnumerateFileSystemEntries(folder.FullPath), Is.Empty);
    }

    [Test]
    public void The_folder_of_a_model_is_refused_also_where_a_run_has_been()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.CopyModel(TestModels.Folder(TestModels.Tiny), folder.FullPath);

        AssertRefused(folder, "expected a new or empty folder, found a model of the type 'llama'");
        folder.Write("training-run.json", "{}");
        AssertRefused(folder, "found a model of the type 'llama'");
        AssertRefused(folder, "found a model of the type 'llama'", resumes: true);
    }

    [Test]
    public void The_folder_of_a_head_from_elsewhere_is_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """{"model_type": "ppsd_exit_head"}""");

        AssertRefused(folder, "found one that holds something else (config.json)");
        AssertRefused(folder, "expected a run to go on with, found no ", resumes: true);
    }

    [TestCase("notes.txt")]
    [TestCase("config.json")]
    public void Files_that_are_not_the_run_s_own_are_refused(string file)
    {
        using var folder = new TemporaryFolder();
        folder.Write(file, "mine");
        AssertRefused(folder, file);
        folder.Write("training-run.json", "{}");
        AssertRefused(folder, file);
    }

    [TestCase("training-state.safetensors", "a run is saved there; --resume goes on with it, or give another folder")]
    [TestCase("self-written.jsonl", "a run is saved there; --resume goes on with it, or give another folder")]
    [TestCase("README.md", "found the heads of a finished run; give another folder, or delete this one")]
    public void What_an_earlier_run_has_saved_is_not_written_over(string file, string expected)
    {
        using var folder = new TemporaryFolder();
        folder.Write("training-run.json", "{}");
        folder.Write("config.json", """{"model_type": "ppsd_exit_head"}""");
        Output(folder.FullPath).Require();

        folder.Write(file, "saved");
        AssertRefused(folder, expected);
        Output(folder.FullPath, resumes: true).Require();
    }

    [Test]
    public void A_folder_in_place_of_a_file_and_a_file_in_place_of_a_folder_are_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("training-run.json", "{}");
        Directory.CreateDirectory(folder.File("training-state.safetensors"));
        AssertRefused(folder, "training-state.safetensors: expected a file, found a folder");

        var file = folder.Write("file", "");
        Assert.That(
            () => Output(file).Require(),
            Throws.TypeOf<UserErrorException>().With.Message.EqualTo($"--out: {file}: expected a folder, found a file")
        );
    }

    [TestCase("", "--out: expected a folder, found ''")]
    [TestCase("/sys/x", "--out: /sys/x cannot be written: ")]
    [TestCase("/proc/x/y", "--out: /proc/x/y cannot be written: ")]
    [Platform("Linux")]
    public void A_folder_that_cannot_be_made_is_refused_by_the_option(string path, string expected)
    {
        Assert.That(
            () => Output(path).Require(),
            Throws.TypeOf<UserErrorException>().With.Message.StartsWith(expected)
        );
    }

    [Test]
    public void A_data_file_that_has_changed_is_said_to_be_so_without_its_hash()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("training-run.json");
        var record = new Dictionary<string, string> { ["--data"] = "0123", ["--eval-data"] = "none" };
        RunRecord.Write(path, record);

        RunRecord.RequireSame(path, record);
        record["--data"] = "4567";
        Assert.That(
            () => RunRecord.RequireSame(path, record),
            Throws
                .TypeOf<UserErrorException>()
                .With.Message.StartsWith("--data: expected the file that the run to resume had, found another content")
                .And.Message.Not.Contains("0123")
        );
        record["--data"] = "0123";
        record["--eval-data"] = "4567";
        Assert.That(
            () => RunRecord.RequireSame(path, record),
            Throws
                .TypeOf<UserErrorException>()
                .With.Message.EndsWith("expected none as the run to resume has, found one")
        );
    }

    private static void AssertRefused(TemporaryFolder folder, string expected, bool resumes = false)
    {
        var before = Entries();
        Assert.That(
            () => Output(folder.FullPath, resumes).Require(),
            Throws
                .TypeOf<UserErrorException>()
                .With.Message.StartsWith(resumes && expected.Contains("a run to") ? "--resume: " : "--out: ")
                .And.Message.Contains(expected)
        );
        Assert.That(Entries(), Is.EqualTo(before));

        string[] Entries() =>
            [
                .. Directory
                    .EnumerateFileSystemEntries(folder.FullPath, "*", SearchOption.AllDirectories)
                    .Order()
                    .Select(path => $"{path} {File.GetLastWriteTimeUtc(path):O}"),
            ];
    }

    private static OutputFolder Output(string path, bool resumes = false) =>
        new(
            new DistillSettings
            {
                Heads = [new HeadSpec(TrainedHeadKind.Norm, 2)],
                OutputFolder = path,
                Stages = StagePlan.Even(6, 1),
                Command = "",
                Resumes = resumes,
            }
        );
}
