using System.Text.Json.Nodes;
using Ppsd.Host.Bench;

namespace Ppsd.Tests.Host.Bench;

public sealed class FiguresTests
{
    [Test]
    public void A_number_that_is_none_is_a_dash_in_text_and_null_in_JSON()
    {
        Assert.That(
            Figures.Text($"{double.NaN:0.00}x, {1.5:0.0} ms, {double.PositiveInfinity:P0}"),
            Is.EqualTo("-x, 1.5 ms, -")
        );
        Assert.That(
            Figures.Line(
                new JsonObject
                {
                    ["a"] = double.NaN,
                    ["b"] = new JsonArray(1.5, double.NegativeInfinity),
                    ["c"] = new JsonObject { ["d"] = double.NaN, ["e"] = "NaN" },
                }
            ),
            Is.EqualTo("""{"a":null,"b":[1.5,null],"c":{"d":null,"e":"NaN"}}""")
        );
    }
}
