using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>
/// A token and its score as one integer that compares as draws do: the higher score first, of equal ones the lower
/// token. The largest of several keys is the same in any order of comparison.
/// </summary>
internal static class DrawKey
{
    private const uint Sign = 0x80000000;

    private const uint Exponent = 0x7F800000;

    /// <summary>NaN whose key is above those of all numbers.</summary>
    public static float NotANumber => Interop.IntAsFloat(Exponent | 0x00400000u);

    /// <summary>Less than every key.</summary>
    public const ulong None = 0;

    /// <summary>The key.</summary>
    public static ulong Of(float score, int token) => ((ulong)Ordered(score) << 32) | (uint)~token;

    /// <summary>Token of a key.</summary>
    public static int Token(ulong key) => ~(int)(uint)key;

    /// <summary>Score of a key.</summary>
    public static float Score(ulong key) => FromOrdered((uint)(key >> 32));

    /// <summary>The number of <see cref="Ordered"/> bits.</summary>
    public static float FromOrdered(uint ordered) =>
        Interop.IntAsFloat((ordered & Sign) != 0 ? ordered ^ Sign : ~ordered);

    /// <summary>Weight of an ordered score; see <see cref="TokenWeight"/>.</summary>
    public static long Weight(uint ordered, float max) =>
        TokenWeight.Of(DeviceMath.Exp(UnfusedMath.Add(FromOrdered(ordered), -max)));

    /// <summary>Bits that compare as integers as the numbers do; minus zero below zero, as the runtime's maximum has it.</summary>
    public static uint Ordered(float score)
    {
        var bits = Interop.FloatAsInt(score);
        return (bits & Sign) != 0 ? ~bits : bits | Sign;
    }

    /// <summary>False for NaN and both infinities. By bits: a fast comparison may take NaN for a number.</summary>
    public static bool IsFinite(float value) => (Interop.FloatAsInt(value) & Exponent) != Exponent;

    /// <summary>False for NaN and plus infinity; minus infinity is a token that cannot come.</summary>
    public static bool IsUsable(float logit) => IsFinite(logit) || Interop.FloatAsInt(logit) == (Sign | Exponent);

    /// <summary>a >= b. A card's own comparison flushes denormals to zero in fast mode.</summary>
    public static bool IsAtLeast(float a, float b) => Ordered(Unsigned(a)) >= Ordered(Unsigned(b));

    /// <summary>The number, zero without its sign: both zeros tie.</summary>
    public static float Unsigned(float score) => UnfusedMath.Add(score, 0f);

    /// <summary>Largest key of a group, in every thread. All must arrive.</summary>
    /// <param name="key">The thread's own.</param>
    /// <param name="shared">Room for one key a warp.</param>
    /// <param name="warps">Warps of the group.</param>
    public static ulong OverGroup(ulong key, ArrayView<ulong> shared, int warps)
    {
        key = Max(key, Warp.ShuffleXor(key, 16));
        key = Max(key, Warp.ShuffleXor(key, 8));
        key = Max(key, Warp.ShuffleXor(key, 4));
        key = Max(key, Warp.ShuffleXor(key, 2));
        key = Max(key, Warp.ShuffleXor(key, 1));
        if (Warp.LaneIdx == 0)
        {
            shared[Group.IdxX >> 5] = key;
        }

        Group.Barrier();
        var largest = shared[0];
        for (var warp = 1; warp < warps; warp++)
        {
            largest = Max(largest, shared[warp]);
        }

        Group.Barrier();
        return largest;
    }

    /// <summary>The greater key.</summary>
    public static ulong Max(ulong a, ulong b) => a > b ? a : b;

    /// <summary>The key if it is less than another, or none.</summary>
    public static ulong Below(ulong key, ulong limit) => key < limit ? key : None;
}
