using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Bench.Replay;
using Ppsd.Tests.Support.Toys;
using static Ppsd.Tests.Host.Bench.LockStep.CostedToys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Drafts by measured costs: they pay or they stay away, whatever rows and heads cost and however many sessions there are.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class NeverSlowerTests
{
    private const int Length = 120;

    /// <summary>What little a session's first tries may cost before its acceptance is known.</summary>
    private const double Tolerance = 0.97;

    /// <summary>The same where all costs, loads and sources are tried, the least lucky among them.</summary>
    private const double Worst = 0.85;

    private readonly ToyModel _model = new(50);

    /// <param name="stages">Stages, each of 4 ms.</param>
    /// <param name="row">What a further row costs, as a share of a step.</param>
    /// <param name="head">What the exit head and each step of its chain cost, as a share of a step.</param>
    /// <param name="acceptance">Share of drafts that are right.</param>
    /// <param name="sessions">Sessions at a time.</param>
    [Test]
    [Pairwise]
    public void Drafts_never_make_decoding_slower(
        [Values(1, 2, 4)] int stages,
        [Values(0.01, 0.2, 0.8)] double row,
        [Values(0.02, 0.1, 0.4)] double head,
        [Values(0.3, 0.6, 0.85, 0.97)] double acceptance,
        [Values(1, 2, 4, 8, 16, 32)] int sessions
    )
    {
        var (drafted, plain) = Measure(Costs(stages, row, head), acceptance, sessions);

        Assert.That(plain / drafted, Is.AtLeast(Tolerance), $"{plain:0} ms without, {drafted:0} ms with drafts");
    }

    /// <summary>All of it and not a choice, the width left open: what sessions do to each other shows in few combinations only.</summary>
    [Test]
    public void No_costs_and_no_load_make_drafts_a_burden(
        [Values(1, 2, 4)] int stages,
        [Values(1, 2, 4, 8, 16, 32)] int sessions
    )
    {
        List<string> slow = [];
        foreach (var row in (double[])[0.01, 0.2, 0.8])
        {
            foreach (var head in (double[])[0.02, 0.1, 0.4])
            {
                foreach (var acceptance in (double[])[0.3, 0.6, 0.85, 0.97])
                {
                    Add(
                        $"row {row}, head {head}, acceptance {acceptance}",
                        Measure(Costs(stages, row, head), acceptance, sessions, maxWidth: 0)
                    );
                }
            }

            foreach (var head in (double[])[0, 0.1])
            {
                foreach (var shared in (bool[])[false, true])
                {
                    Add(
                        $"n-grams, row {row}, head {head}{(shared ? ", stages share processors" : "")}",
                        MeasureNGrams(stages, shared, row, head, sessions, maxWidth: 0)
                    );
                }
            }
        }

        Assert.That(slow, Is.Empty);

        void Add(string costs, (double Drafted, double Plain) ms)
        {
            if (ms.Plain / ms.Drafted < Worst)
            {
                slow.Add($"{costs}: {ms.Plain:0} ms without, {ms.Drafted:0} ms with drafts");
            }
        }
    }

    /// <summary>A card's costs: drafts gain with as many sessions as stages too, where nothing would idle without them.</summary>
    [TestCase(1, 1, 1.6)]
    [TestCase(1, 2, 1.6)]
    [TestCase(2, 1, 2.4)]
    [TestCase(2, 2, 1.7)]
    [TestCase(4, 3, 1.7)]
    public void Good_drafts_gain_where_rows_are_cheap(int stages, int sessions, double gain)
    {
        var (drafted, plain) = Measure(Costs(stages, row: 0.01, head: 0.08), acceptance: 0.85, sessions);

        Assert.That(plain / drafted, Is.AtLeast(gain));
    }

    /// <summary>
    /// Drawn from three tokens, a text is full of runs that have occurred before and were followed by something else: n-grams
    /// propose all the time and are mostly wrong.
    /// </summary>
    /// <param name="stages">Stages, each of 4 ms.</param>
    /// <param name="shared">True where two of them share a processor.</param>
    /// <param name="row">What a further row costs, as a share of a step.</param>
    /// <param name="head">What an exit head that is mostly wrong costs; 0 where n-grams draft alone.</param>
    /// <param name="sessions">Sessions at a time.</param>
    [Test]
    [Pairwise]
    public void N_grams_never_make_decoding_slower(
        [Values(1, 2, 4)] int stages,
        [Values] bool shared,
        [Values(0.01, 0.2, 0.8)] double row,
        [Values(0, 0.1)] double head,
        [Values(1, 2, 4, 8, 16, 32)] int sessions
    )
    {
        var (drafted, plain) = MeasureNGrams(stages, shared, row, head, sessions, maxWidth: 8);

        Assert.That(plain / drafted, Is.AtLeast(Tolerance), $"{plain:0} ms without, {drafted:0} ms with drafts");
    }

    /// <summary>A greedy toy soon repeats itself.</summary>
    [TestCase(1, 1, 3)]
    [TestCase(4, 1, 4)]
    [TestCase(4, 3, 2)]
    public void N_grams_alone_gain_where_the_text_repeats_and_rows_are_cheap(int stages, int sessions, double gain)
    {
        var model = new ToyModel(4);
        using var pipeline = Pipeline(model, Costs(stages, row: 0.01, head: 0), texts: null);

        var (drafted, plain, _) = CostedToys.Measure(
            pipeline,
            Requests(model, sessions, DraftSources.NGrams),
            texts: null
        );

        Assert.That(plain / drafted, Is.AtLeast(gain));
    }

    private static (double Drafted, double Plain) MeasureNGrams(
        int stages,
        bool shared,
        double row,
        double head,
        int sessions,
        int maxWidth
    )
    {
        var costs = Costs(stages, row, head, parallel: shared ? (stages + 1) / 2 : stages);
        var texts = head > 0 ? new ReplayedTexts(acceptance: 0.3) : null;
        var model = new ToyModel(3);
        using var pipeline = Pipeline(model, costs, texts);
        var drafts = head > 0 ? DraftSources.ExitHead | DraftSources.NGrams : DraftSources.NGrams;
        var requests = Requests(model, sessions, drafts, maxWidth)
            .Select(
                (request, session) =>
                    request with
                    {
                        Sampling = new SamplingSettings { Temperature = 1, Seed = (ulong)session },
                    }
            );

        var (drafted, plain, _) = CostedToys.Measure(pipeline, [.. requests], texts);
        return (drafted, plain);
    }

    private (double Drafted, double Plain) Measure(
        PipelineCosts costs,
        double acceptance,
        int sessions,
        int maxWidth = 8
    )
    {
        var texts = new ReplayedTexts(acceptance);
        using var pipeline = Pipeline(_model, costs, texts);
        var (drafted, plain, _) = CostedToys.Measure(
            pipeline,
            Requests(_model, sessions, DraftSources.ExitHead, maxWidth),
            texts
        );
        return (drafted, plain);
    }

    private static List<StartSession> Requests(ToyModel model, int sessions, DraftSources drafts, int maxWidth = 8) =>
        [
            .. Enumerable
                .Range(0, sessions)
                .Select(session =>
                    ToyPipeline.Request([session % model.VocabSize, 1, 2], Length, drafts, maxWidth: maxWidth)
                ),
        ];
}
