// dotnet tool restore && dotnet cake [--target=Test] [--runtime=linux-x64|linux-arm64|win-x64|osx-arm64]

var target = Argument("target", "Test");
var configuration = Argument("configuration", "Release");
var runtime = Argument("runtime", "linux-x64");
var image = Argument("image", "ppsd");
var published = Directory($"artifacts/publish/{runtime}");
var packages = Directory("artifacts/packages");

Task("Clean")
    .Description("Removes everything that is built.")
    .Does(() =>
    {
        CleanDirectories("./Ppsd.*/bin");
        CleanDirectories("./Ppsd.*/obj");
        CleanDirectory("artifacts");
    });

Task("Restore")
    .Description("Downloads packages.")
    .Does(() => DotNetRestore("Ppsd.slnx"));

Task("Build")
    .Description("Compiles; warnings are errors.")
    .IsDependentOn("Restore")
    .Does(() => DotNetBuild("Ppsd.slnx", new DotNetBuildSettings { Configuration = configuration, NoRestore = true }));

Task("Test")
    .Description("Runs every test; needs no GPU.")
    .IsDependentOn("Build")
    .Does(() => DotNetTest("Ppsd.slnx", new DotNetTestSettings { Configuration = configuration, NoBuild = true }));

Task("Bench")
    .Description("Measures decoding and cancels on this machine.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        var run = new DotNetRunSettings { Configuration = configuration, NoBuild = true };
        DotNetRun("Ppsd.Host/Ppsd.Host.csproj", "bench decode", run);
        DotNetRun("Ppsd.Host/Ppsd.Host.csproj", "bench decode --stages 1", run);
        DotNetRun("Ppsd.Host/Ppsd.Host.csproj", "bench serve", run);
        DotNetRun("Ppsd.Host/Ppsd.Host.csproj", "bench cancel", run);
    });

Task("Publish")
    .Description("Publishes a self-contained program with the bundled model: nothing else need be installed.")
    .Does(() =>
    {
        CleanDirectory(published);
        DotNetPublish(
            "Ppsd.Host/Ppsd.Host.csproj",
            new DotNetPublishSettings
            {
                Configuration = configuration,
                Runtime = runtime,
                OutputDirectory = published,
            }
        );
    });

Task("Pack")
    .Description("Packs the client library and the program as a .NET tool.")
    .IsDependentOn("Build")
    .Does(() =>
    {
        CleanDirectory(packages);
        foreach (var project in new[] { "Ppsd.Actors", "Ppsd.Host" })
        {
            DotNetPack(
                project,
                new DotNetPackSettings
                {
                    Configuration = configuration,
                    NoBuild = true,
                    OutputDirectory = packages,
                }
            );
        }
    });

Task("Image")
    .Description("Builds the container image.")
    .Does(() =>
    {
        if (StartProcess("docker", new ProcessSettings { Arguments = $"build --tag {image} ." }) != 0)
        {
            throw new CakeException("docker build failed");
        }
    });

RunTarget(target);
