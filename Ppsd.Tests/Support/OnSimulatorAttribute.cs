using NUnit.Framework.Internal;

namespace Ppsd.Tests.Support;

/// <summary>
/// Marks what computes on ILGPU's simulator. That runs a group of 512 as 512 threads, most of which yield until the others
/// have come to a barrier: whatever ran beside it in the process would starve, and on one core it takes as long as on two. So
/// CI runs these tests in a process of their own, on a core of its own.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class OnSimulatorAttribute() : ParallelizableAttribute(ParallelScope.None)
{
    /// <summary>The category of these tests.</summary>
    public const string Name = "Simulator";

    public override void ApplyToTest(Test test)
    {
        base.ApplyToTest(test);
        test.Properties.Add(PropertyNames.Category, Name);
    }

    /// <summary>Fails in a test that is not marked.</summary>
    public static void Require() =>
        Assert.That(
            TestContext.CurrentContext.Test.AllCategories(),
            Does.Contain(Name),
            "a test that opens the simulator is marked [OnSimulator]"
        );
}
