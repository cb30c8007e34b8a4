using FsCheck;
using FsCheck.Fluent;
using Ppsd.Host.Text;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Text;

public class StopStringsTests
{
    [Test]
    public void A_stop_string_across_token_borders_is_held_back()
    {
        var stops = new StopStrings(["</end>"]);
        Assert.That(Chunks(stops, "text<", "/e", "nd", ">more"), Is.EqualTo(new List<string> { "text", "", "", "" }));
        Assert.That(stops.Found, Is.EqualTo("</end>"));
    }

    [Test]
    public void Text_that_turns_out_to_be_no_stop_string_is_given_out()
    {
        var stops = new StopStrings(["</end>"]);
        Assert.That(Chunks(stops, "a</e", "x", "</"), Is.EqualTo(new List<string> { "a", "</ex", "" }));
        Assert.That(stops.Found, Is.Null);
        Assert.That(stops.Flush().ToString(), Is.EqualTo("</"));
        Assert.That(stops.Flush().ToString(), Is.Empty);
    }

    [Test]
    public void The_beginning_of_a_stop_string_within_another_attempt_is_not_missed()
    {
        var stops = new StopStrings(["aab"]);
        Assert.That(Chunks(stops, "aaa", "b!"), Is.EqualTo(new List<string> { "a", "" }));
        Assert.That(stops.Found, Is.EqualTo("aab"));
    }

    [Test]
    public void The_first_stop_string_to_be_complete_wins()
    {
        var stops = new StopStrings(["xyz and more", "yz"]);
        Assert.That(Chunks(stops, "ab xyz and more"), Is.EqualTo(new List<string> { "ab x" }));
        Assert.That(stops.Found, Is.EqualTo("yz"));
    }

    [Test]
    public void Of_two_completed_at_once_the_longer_wins()
    {
        var stops = new StopStrings(["z", "yz"]);
        Assert.That(Chunks(stops, "xyz"), Is.EqualTo(new List<string> { "x" }));
        Assert.That(stops.Found, Is.EqualTo("yz"));
    }

    [Test]
    public void After_a_stop_string_nothing_comes_out()
    {
        var stops = new StopStrings(["."]);
        Assert.That(Chunks(stops, "One. Two", " Three"), Is.EqualTo(new List<string> { "One", "" }));
        Assert.That(stops.Flush().ToString(), Is.Empty);
    }

    [Test]
    public void Without_stop_strings_text_passes_through()
    {
        var stops = new StopStrings([]);
        Assert.That(Chunks(stops, "a", "", "bc"), Is.EqualTo(new List<string> { "a", "", "bc" }));
    }

    [Test]
    public void Case_and_form_must_agree_to_the_letter() =>
        Assert.That(
            Chunks(new StopStrings(["STOP", "\u00E9"]), "stop e\u0301"),
            Is.EqualTo(new List<string> { "stop e\u0301" })
        );

    [Test]
    public void An_empty_stop_string_is_refused() =>
        Assert.That(
            () => new StopStrings(["a", ""]),
            Throws.ArgumentException.With.Message.StartsWith("A stop string must not be empty")
        );

    [Test]
    public void The_result_does_not_depend_on_how_the_text_is_cut()
    {
        var word = Gen.Elements('a', 'b', 'c').NonEmptyListOf().Select(chars => string.Concat(chars)).Resize(4);
        var cases =
            from stops in word.ListOf().Resize(3)
            from chunks in Gen.Elements('a', 'b', 'c').ListOf().Select(chars => string.Concat(chars)).Resize(5).ListOf()
            select (stops: stops.ToArray(), chunks: chunks.ToArray());
        Prop.ForAll(
                cases.ToArbitrary(),
                test =>
                {
                    var stops = new StopStrings(test.stops);
                    var text = string.Concat(Chunks(stops, test.chunks)) + stops.Flush().ToString();
                    return (text, stops.Found) == FirstStop(string.Concat(test.chunks), test.stops);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(5UL, 7UL));

        static (string, string?) FirstStop(string text, string[] stops)
        {
            for (var end = 1; end <= text.Length; end++)
            {
                var found = stops
                    .Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal))
                    .MaxBy(stop => stop.Length);
                if (found is not null)
                {
                    return (text[..(end - found.Length)], found);
                }
            }

            return (text, null);
        }
    }

    [Test]
    public void Only_what_may_begin_a_stop_string_is_held_back()
    {
        string[] all = ["abab", "bb", "caac"];
        var random = new Random(11);
        for (var i = 0; i < 200; i++)
        {
            var stops = new StopStrings(all);
            var text = "";
            var given = "";
            while (stops.Found is null && text.Length < 30)
            {
                var chunk = "abc".Substring(random.Next(3), 1);
                text += chunk;
                given += stops.Append(chunk).ToString();
                var held = text[given.Length..];
                if (stops.Found is null && held.Length > 0)
                {
                    Assert.That(
                        all.Any(stop => stop.StartsWith(held, StringComparison.Ordinal)),
                        Is.True,
                        $"'{held}' of '{text}'"
                    );
                }
            }
        }
    }

    [Test]
    public void Long_text_costs_no_more_per_character_and_allocates_nothing()
    {
        var stops = new StopStrings(["never found", "\n\nUSER:"]);
        stops.Append("some text\n\nUS");
        var allocated = Allocations.LeastOf(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                stops.Append("some text\n\nUS");
            }
        });

        Assert.That(allocated, Is.Zero);
    }

    private static List<string> Chunks(StopStrings stops, params string[] chunks) =>
        [.. chunks.Select(chunk => stops.Append(chunk).ToString())];
}
