using System.Diagnostics;
using Ppsd.Actors.Links;

namespace Ppsd.Tests.Actors.Links;

/// <summary>A slow network that is made up.</summary>
public sealed class DelayLineTests
{
    [Test]
    public void Messages_come_late_and_in_order()
    {
        var delay = TimeSpan.FromMilliseconds(20);
        var arrived = new List<object>();
        using var all = new CountdownEvent(100);
        using var line = new DelayLine(
            delay,
            message =>
            {
                arrived.Add(message);
                all.Signal();
            }
        );
        var sent = Stopwatch.GetTimestamp();

        for (var i = 0; i < 100; i++)
        {
            line.Send(i);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(all.Wait(TimeSpan.FromSeconds(30)), Is.True);
            Assert.That(Stopwatch.GetElapsedTime(sent), Is.AtLeast(delay));
            Assert.That(arrived, Is.EqualTo(Enumerable.Range(0, 100)));
        }
    }
}
