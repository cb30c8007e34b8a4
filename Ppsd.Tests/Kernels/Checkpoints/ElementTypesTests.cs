using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ElementTypesTests
{
    [TestCase(ElementType.BFloat16, "BF16", 2, true)]
    [TestCase(ElementType.Float16, "F16", 2, true)]
    [TestCase(ElementType.Float32, "F32", 4, true)]
    [TestCase(ElementType.Int32, "I32", 4, false)]
    public void A_type_has_a_name_and_a_size(ElementType type, string name, int sizeInBytes, bool isFloatingPoint)
    {
        Assert.That(type.SafetensorsName(), Is.EqualTo(name));
        Assert.That(ElementTypes.FromSafetensorsName(name), Is.EqualTo(type));
        Assert.That(type.SizeInBytes(), Is.EqualTo(sizeInBytes));
        Assert.That(type.IsFloatingPoint(), Is.EqualTo(isFloatingPoint));
    }

    [TestCase("F64")]
    [TestCase("bf16")]
    [TestCase("")]
    public void Other_names_are_no_type(string name)
    {
        Assert.That(ElementTypes.FromSafetensorsName(name), Is.Null);
    }

    [Test]
    public void A_value_outside_the_enumeration_has_neither_name_nor_size()
    {
        Assert.That(() => ((ElementType)17).SizeInBytes(), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ((ElementType)17).SafetensorsName(), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
