using Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Whose rows are there in parts.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CoreRowsTests
{
    private readonly CoreRows _parts = new() { HasClearCounts = true };
    private readonly object _rows = new();

    [Test]
    public void Rows_that_a_kernel_gave_in_parts_are_there_for_one_product()
    {
        _parts.Give(_rows, 9);

        Assert.That(_parts.TryTake(_rows, 9), Is.True);
        Assert.That(_parts.TryTake(_rows, 9), Is.False);
    }

    [Test]
    public void Other_rows_or_as_many_of_another_step_are_not_there_and_neither_are_those_before_them()
    {
        _parts.Give(_rows, 9);
        Assert.That(_parts.TryTake(new object(), 9), Is.False);
        Assert.That(_parts.TryTake(_rows, 9), Is.False, "the other rows' parts have taken their place");

        _parts.Give(_rows, 9);
        Assert.That(_parts.TryTake(_rows, 10), Is.False);
    }

    [Test]
    public void Nothing_is_there_once_it_is_forgotten_and_counters_hold_anything()
    {
        _parts.Give(_rows, 9);

        _parts.Forget();

        Assert.That(_parts.TryTake(_rows, 9), Is.False);
        Assert.That(_parts.HasClearCounts, Is.False);
    }
}
