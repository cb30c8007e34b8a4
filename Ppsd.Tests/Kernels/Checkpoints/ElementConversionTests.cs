using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Checkpoints;

public class ElementConversionTests
{
    // Every bit pattern there is, in an order that puts unlike neighbours into one vector.
    private static readonly ushort[] _allPatterns =
    [
        .. Enumerable.Range(0, 0x10000).Select(i => unchecked((ushort)(i * 40503))),
    ];

    [Test]
    public void Every_bfloat16_is_the_upper_half_of_its_single()
    {
        var values = new float[_allPatterns.Length];
        ElementConversion.BFloat16ToSingle(_allPatterns, values);

        for (var i = 0; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            if (bits != (uint)_allPatterns[i] << 16)
            {
                Assert.Fail($"0x{_allPatterns[i]:x4} became 0x{bits:x8}");
            }
        }
    }

    [Test]
    public void Every_half_keeps_its_value()
    {
        var values = new float[_allPatterns.Length];
        ElementConversion.Float16ToSingle(_allPatterns, values);

        for (var i = 0; i < values.Length; i++)
        {
            var half = BitConverter.UInt16BitsToHalf(_allPatterns[i]);
            var expected = BitConverter.SingleToUInt32Bits((float)half);
            var found = BitConverter.SingleToUInt32Bits(values[i]);
            if (Half.IsNaN(half) ? !float.IsNaN(values[i]) : found != expected)
            {
                Assert.Fail($"0x{_allPatterns[i]:x4} became 0x{found:x8}, not 0x{expected:x8}");
            }
        }
    }

    [TestCase(0x0001, 5.9604644775390625e-8f)] // smallest subnormal
    [TestCase(0x83ff, -6.09755516052246e-5f)] // largest subnormal, negative
    [TestCase(0x0400, 6.103515625e-5f)] // smallest normal
    [TestCase(0x7bff, 65504f)]
    [TestCase(0x3555, 0.333251953125f)]
    [TestCase(0x7c00, float.PositiveInfinity)]
    [TestCase(0xfc00, float.NegativeInfinity)]
    public void A_half_is_read_by_hand(int pattern, float expected)
    {
        var value = new float[1];
        ElementConversion.Float16ToSingle([(ushort)pattern], value);

        Assert.That(value[0], Is.EqualTo(expected));
    }

    [Test]
    public void A_nan_keeps_sign_and_payload_in_both_types()
    {
        var value = new float[1];
        ElementConversion.Float16ToSingle([0xfd01], value);
        Assert.That(BitConverter.SingleToUInt32Bits(value[0]), Is.EqualTo(0xffa02000u));

        ElementConversion.BFloat16ToSingle([0xff81], value);
        Assert.That(BitConverter.SingleToUInt32Bits(value[0]), Is.EqualTo(0xff810000u));
    }

    [Test]
    public void A_negative_zero_stays_negative()
    {
        var value = new float[1];
        ElementConversion.Float16ToSingle([0x8000], value);
        Assert.That(float.IsNegative(value[0]), Is.True);

        ElementConversion.BFloat16ToSingle([0x8000], value);
        Assert.That(float.IsNegative(value[0]), Is.True);
    }

    [Test]
    public void No_length_is_too_odd([Range(0, 67)] int length)
    {
        // A hardware conversion back to half would quiet a NaN, so none is among them.
        var source = Array.FindAll(_allPatterns, pattern => (pattern & 0x7c00) != 0x7c00).AsSpan(1000, length);
        var brain = new float[length];
        var half = new float[length];
        ElementConversion.BFloat16ToSingle(source, brain);
        ElementConversion.Float16ToSingle(source, half);

        for (var i = 0; i < length; i++)
        {
            Assert.That(BitConverter.SingleToUInt32Bits(brain[i]) >> 16, Is.EqualTo(source[i]));
            Assert.That(BitConverter.HalfToUInt16Bits((Half)half[i]), Is.EqualTo(source[i]));
        }
    }

    [Test]
    public void A_destination_of_another_length_is_refused()
    {
        Assert.That(() => ElementConversion.BFloat16ToSingle([1, 2], new float[3]), Throws.ArgumentException);
        Assert.That(() => ElementConversion.Float16ToSingle([1, 2], new float[1]), Throws.ArgumentException);
    }

    // 1 + 2^-8 lies halfway between two bfloat16 and is exact as a half; 1 + 2^-11 lies halfway between two halves.
    [TestCase(ElementType.BFloat16, 1.00390625f, 1f)]
    [TestCase(ElementType.BFloat16, 1.01171875f, 1.015625f)]
    [TestCase(ElementType.BFloat16, 3.4e38f, float.PositiveInfinity)]
    [TestCase(ElementType.Float16, 1.00390625f, 1.00390625f)]
    [TestCase(ElementType.Float16, 1.00048828125f, 1f)]
    [TestCase(ElementType.Float16, 1.00146484375f, 1.001953125f)]
    public void What_the_test_writer_rounds_is_read_back_rounded(ElementType type, float written, float expected)
    {
        var pattern = BitConverter.ToUInt16(SafetensorsWriter.Encode(type, [written]));
        var read = new float[1];
        if (type == ElementType.BFloat16)
        {
            ElementConversion.BFloat16ToSingle([pattern], read);
        }
        else
        {
            ElementConversion.Float16ToSingle([pattern], read);
        }

        Assert.That(read[0], Is.EqualTo(expected));
    }
}
