using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using Ppsd.Actors.Messages.Wire;

namespace Ppsd.Tests.Actors.Wire;

/// <summary>A message type that nobody has thought about must not pass for one that needs no check.</summary>
public sealed class WireChecksTests
{
    private static IEnumerable<Type> Messages => WireManifests.Types;

    /// <summary>With every field missing a message is refused for what it lacks, or has nothing that could be missing.</summary>
    [TestCaseSource(nameof(Messages))]
    public void Every_message_has_a_check_or_says_that_it_needs_none(Type type)
    {
        try
        {
            WireChecks.Check(RuntimeHelpers.GetUninitializedObject(type));
        }
        catch (SerializationException e)
        {
            Assert.That(e.Message, Does.Not.Contain("has no check"));
        }
    }

    [Test]
    public void A_type_without_a_check_is_refused() =>
        Assert.That(
            () => WireChecks.Check(new Version()),
            Throws.TypeOf<SerializationException>().With.Message.EqualTo("a Version has no check")
        );
}
