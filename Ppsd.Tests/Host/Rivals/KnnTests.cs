using Ppsd.Host;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals.Knn;
using Ppsd.Host.Rivals.Search;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Rivals;

/// <summary>How KNN-SSD's sets are found, kept and chosen.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class KnnTests
{
    private static readonly ModelAssets _assets = ModelAssets.Open(
        TestModels.Folder(TestModels.Tiny),
        null,
        TimeProvider.System
    );

    [Test]
    public void The_search_finds_a_set_that_sixty_random_ones_do_not()
    {
        // Speed falls with each sublayer in which a set differs from the best one: 1 at best.
        var best = Enumerable.Range(0, 24).Select(i => i % 3 == 0).ToArray();
        double Speed(bool[] set) => 1 - set.Zip(best).Count(pair => pair.First != pair.Second) / 24.0;
        var random = new Random(5);
        var byChance = Enumerable
            .Range(0, 60)
            .Max(_ => Speed([.. Enumerable.Range(0, 24).Select(_ => random.NextDouble() < 0.4)]));

        var search = new SetSearch(24, new Random(5));
        search.Run(new bool[24], 60, Speed);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(search.Best.Speed, Is.EqualTo(Speed(search.Best.Skipped)));
            Assert.That(search.Best.Speed, Is.GreaterThan(byChance + 0.05));
        }
    }

    [Test]
    public void Clusters_far_apart_have_a_centre_each()
    {
        float[][] points =
        [
            [0, 0],
            [2, 0],
            [10, 10],
            [12, 10],
            [0, 30],
            [0, 32],
        ];
        var centres = KMeans.Find(points, 3, new Random(1)).OrderBy(centre => centre[0] + 10 * centre[1]);

        Assert.That(
            centres,
            Is.EqualTo(
                (float[][])
                    [
                        [1, 0],
                        [11, 10],
                        [0, 31],
                    ]
            )
        );
    }

    [Test]
    public void The_set_of_the_nearest_point_is_chosen_and_a_file_keeps_it()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("sets.json");
        Sets(_assets).Write(path);
        var read = KnnSets.Read(path, _assets);
        var feature = new float[_assets.Config.HiddenSize];
        feature[1] = 3;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Choose(feature), Is.EqualTo(Sets(_assets).Tasks[1].Skipped));
            Assert.That(read.Tasks[1].Anchors[0], Is.EqualTo(Sets(_assets).Tasks[1].Anchors[0]));
        }
    }

    [Test]
    public void A_file_of_another_model_or_shape_is_refused_in_one_line()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("sets.json");
        Sets(_assets, "0000").Write(path);
        var foreign = Assert.Throws<UserErrorException>(() => KnnSets.Read(path, _assets));
        File.WriteAllText(path, "[1]");
        var broken = Assert.Throws<UserErrorException>(() => KnnSets.Read(path, _assets));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(foreign.Message, Does.Contain("expected the weights").And.Contain("found 0000"));
            Assert.That(broken.Message, Does.StartWith("--knn-sets: ").And.Not.Contain("\n"));
        }
    }

    private static KnnSets Sets(ModelAssets assets, string? fingerprint = null) =>
        new()
        {
            Model = assets.Name,
            Fingerprint = fingerprint ?? assets.Fingerprint,
            Tasks = [Task(assets, 0), Task(assets, 1)],
        };

    private static KnnTask Task(ModelAssets assets, int at)
    {
        var anchor = new float[assets.Config.HiddenSize];
        anchor[at] = 1;
        var skipped = new bool[2 * assets.Config.LayerCount];
        skipped[at] = true;
        return new KnnTask($"task {at}", skipped, [anchor], 1, 1);
    }
}
