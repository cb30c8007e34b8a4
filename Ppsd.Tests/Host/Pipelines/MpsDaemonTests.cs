using System.Runtime.Versioning;
using Ppsd.Host;
using Ppsd.Host.Pipelines;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Host.Pipelines;

/// <summary>
/// What the control program is asked to do. There is no such program without NVIDIA's driver, so a script that takes notes
/// stands in for it.
/// </summary>
[NonParallelizable] // It sets an environment variable.
[Platform("Linux")]
[SupportedOSPlatform("linux")]
public sealed class MpsDaemonTests
{
    private const string Path = "PATH";
    private string? _path;
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void SetUp()
    {
        _path = Environment.GetEnvironmentVariable(Path);
        _folder = new TemporaryFolder();
    }

    [TearDown]
    public void TearDown()
    {
        Environment.SetEnvironmentVariable(Path, _path);
        _folder.Dispose();
    }

    [Test]
    public async Task A_daemon_is_started_with_folders_of_its_own_and_stopped_with_them()
    {
        Install("exit 0");

        string folder;
        await using (var daemon = await MpsDaemon.StartAsync(CancellationToken.None))
        {
            Assert.That(daemon.IsOwn, Is.True);
            var share = daemon.Share(4.5);
            folder = share["CUDA_MPS_PIPE_DIRECTORY"];
            Assert.That(share["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"], Is.EqualTo("4.5"));
            Assert.That(Directory.Exists(folder), Is.True);
            Assert.That(Notes(), Is.EqualTo(new[] { $"-d in {folder}:" }));
        }

        Assert.That(Notes()[1..], Is.EqualTo(new[] { $" in {folder}:quit" }));
        Assert.That(Directory.Exists(folder), Is.False);
    }

    [Test]
    public void A_daemon_that_does_not_start_is_an_error_that_says_so()
    {
        Install("exit 3");
        Assert.That(
            async () => await MpsDaemon.StartAsync(CancellationToken.None),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains("exit code 3")
        );
    }

    [Test]
    public void Without_the_program_the_driver_is_named()
    {
        Environment.SetEnvironmentVariable(Path, _folder.FullPath);
        Assert.That(
            async () => await MpsDaemon.StartAsync(CancellationToken.None),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains("nvidia-cuda-mps-control")
        );
    }

    /// <summary>Notes arguments, folder and input, a line a call.</summary>
    private void Install(string end)
    {
        var program = _folder.Write(
            "nvidia-cuda-mps-control",
            $"#!/bin/sh\necho \"$* in $CUDA_MPS_PIPE_DIRECTORY:$(cat)\" >> {_folder.File("notes")}\n{end}\n"
        );
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable(Path, $"{_folder.FullPath}:{_path}");
    }

    private string[] Notes() => File.ReadAllLines(_folder.File("notes"));
}
