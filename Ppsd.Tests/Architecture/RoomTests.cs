using System.Reflection;
using Ppsd.Actors.Messages;
using Ppsd.Kernels.Devices;

namespace Ppsd.Tests.Architecture;

/// <summary>
/// Rooms are namespaces, and a namespace is a folder. Between the rooms of a project names point in one direction only, so
/// that each can be read, tested and moved without those above it.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class RoomTests
{
    private static readonly string[] _projects = ["Ppsd.Actors", "Ppsd.Kernels", "Ppsd.Host"];

    private static readonly ILookup<string, SourceFile> _files = _projects
        .SelectMany(project => Repository.Sources(project).AsParallel().Select(SourceFile.Read))
        .ToLookup(file => file.Path.Split('/')[0]);

    [TestCaseSource(nameof(_projects))]
    public void Rooms_name_one_another_in_one_direction_only(string project)
    {
        var files = _files[project].ToList();
        var homes = files
            .SelectMany(file => file.Types.Select(type => (type, file.Namespace)))
            .Distinct()
            .ToLookup(pair => pair.type, pair => pair.Namespace);
        var named = files
            .SelectMany(file =>
                from name in file.Names
                from home in homes[name]
                where home != file.Namespace && file.Sees(home)
                select (From: file.Namespace, To: home, Why: $"{file.Path} names {name}")
            )
            .ToList();

        var below = named.ToLookup(edge => edge.From, edge => edge.To);
        var circles = named
            .Where(edge => edge.From.Length > 0 && Reaches(below, edge.To, edge.From))
            .Select(edge => $"{edge.From} -> {edge.To}: {edge.Why}");

        Assert.That(named, Has.Count.GreaterThan(50));
        Assert.That(circles, Is.Empty);
    }

    [TestCaseSource(nameof(_projects))]
    public void A_namespace_is_the_path_of_its_folder(string project)
    {
        var misplaced = _files[project]
            .Where(file => file.Namespace.Length > 0 && file.Namespace != file.Folder.Replace('/', '.'));

        Assert.That(misplaced.Select(file => $"{file.Path} declares {file.Namespace}"), Is.Empty);
    }

    [Test]
    public void A_type_has_a_name_of_its_own()
    {
        var twice = _files
            .SelectMany(project => project)
            .SelectMany(file => file.Types.Select(type => (type, file.Namespace)))
            .Distinct()
            .GroupBy(pair => pair.type)
            .Where(group => group.Count() > 1);

        Assert.That(
            twice.Select(group => $"{group.Key}: {string.Join(", ", group.Select(pair => pair.Namespace))}"),
            Is.Empty
        );
    }

    [Test]
    public void Actors_know_no_device_and_no_tokenizer()
    {
        Assert.That(
            References(typeof(MicroBatch).Assembly),
            Has.None.Match("^(Ppsd|ppsd|ILGPU|Microsoft\\.ML|Microsoft\\.AspNetCore)")
        );
    }

    [Test]
    public void Kernels_know_no_actor_and_no_text()
    {
        Assert.That(
            References(typeof(Backend).Assembly),
            Has.None.Match("^(Ppsd|ppsd|Akka|MessagePack|Microsoft\\.ML|Microsoft\\.AspNetCore)")
        );
    }

    [TestCase("Ppsd.Actors/Speculation")]
    [TestCase("Ppsd.Actors/Sessions")]
    [TestCase("Ppsd.Actors/Planning")]
    [TestCase("Ppsd.Host/Planning")]
    public void Decisions_know_neither_actors_nor_threads(string folder)
    {
        var tied = _files
            .SelectMany(project => project)
            .Where(file => file.Folder == folder)
            .SelectMany(file => file.Usings.Select(used => $"{file.Path} uses {used}"));

        Assert.That(tied, Has.None.Match(" uses (Akka|System\\.Threading|Ppsd\\.Kernels)"));
    }

    [Test]
    public void Of_a_stage_only_the_actor_its_props_and_its_link_to_the_draft_stage_know_Akka()
    {
        var tied = _files["Ppsd.Actors"]
            .Where(file => file.Folder == "Ppsd.Actors/Stages" && file.Usings.Any(used => used.StartsWith("Akka")))
            .Select(file => Path.GetFileNameWithoutExtension(file.Path));

        Assert.That(tied, Is.EquivalentTo(new[] { "StageActor", "StageSetup", "DraftStageSink" }));
    }

    private static IEnumerable<string?> References(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(reference => reference.Name);

    private static bool Reaches(ILookup<string, string> below, string from, string to)
    {
        var seen = new HashSet<string>();
        var next = new Stack<string>([from]);
        while (next.TryPop(out var room))
        {
            if (room == to)
            {
                return true;
            }

            foreach (var lower in below[room].Where(seen.Add))
            {
                next.Push(lower);
            }
        }

        return false;
    }
}
