using System.Globalization;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>
/// A warp that carries out the few PTX instructions that attention's assembly consists of, so that its choice of registers
/// and addresses is checked on a machine without a card. Sums are exact to a double's precision.
/// </summary>
internal sealed class PtxWarp
{
    private const int Lanes = 32;
    private static readonly string[] _ignored = ["", "}", ".reg"];

    private readonly Dictionary<string, uint[]> _registers = [];

    /// <summary>Bytes of shared memory.</summary>
    public byte[] Shared { get; } = new byte[227 * 1024];

    /// <summary>What was stored to device memory, by address.</summary>
    public Dictionary<long, float> Stored { get; } = [];

    /// <summary>A lane's register as a number.</summary>
    public float Value(string register, int lane) => BitConverter.UInt32BitsToSingle(_registers[register][lane]);

    /// <summary>Carries out a text.</summary>
    /// <param name="arguments">%0, %1 and so on: of each lane.</param>
    public void Run(string text, params Func<int, uint>[] arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            _registers[$"%{i}"] = [.. Enumerable.Range(0, Lanes).Select(arguments[i])];
        }

        foreach (var statement in text.Split(';').Select(part => part.Trim()))
        {
            // A block of its own has registers of its own; none is read before it is written, or this would find none.
            var bare = statement.StartsWith("{ ", StringComparison.Ordinal) ? statement[2..] : statement;
            var end = bare.IndexOf(' ', StringComparison.Ordinal);
            var instruction = end < 0 ? bare : bare[..end];
            if (_ignored.Contains(instruction))
            {
                Forget(bare);
                continue;
            }

            Execute(instruction, Operands(bare[end..]));
        }
    }

    private void Forget(string declaration)
    {
        var bracket = declaration.IndexOf('<', StringComparison.Ordinal);
        if (bracket < 0)
        {
            return;
        }

        var name = declaration[(declaration.LastIndexOf(' ', bracket) + 1)..bracket];
        var end = declaration.IndexOf('>', StringComparison.Ordinal);
        var count = int.Parse(declaration[(bracket + 1)..end], CultureInfo.InvariantCulture);
        for (var i = 0; i < count; i++)
        {
            _registers.Remove($"{name}{i}");
        }
    }

    private void Execute(string instruction, string[][] operands)
    {
        switch (instruction)
        {
            case "mov.f32" or "mov.b32":
                Write(operands[0][0], lane => Word(operands[1][0], lane));
                break;
            case "add.f32" or "add.ftz.f32":
                Compute(operands, values => values[0] + values[1]);
                break;
            case "sub.ftz.f32":
                Compute(operands, values => values[0] - values[1]);
                break;
            case "mul.rn.ftz.f32":
                Compute(operands, values => values[0] * values[1]);
                break;
            case "max.ftz.f32":
                Compute(operands, values => Math.Max(values[0], values[1]));
                break;
            case "ex2.approx.ftz.f32":
                Compute(operands, values => MathF.Pow(2, values[0]));
                break;
            case "cvt.rn.bf16x2.f32":
                Write(operands[0][0], lane => Rounded(operands[1][0], lane) << 16 | Rounded(operands[2][0], lane));
                break;
            case "shl.b32":
                Write(operands[0][0], lane => Word(operands[1][0], lane) << (int)Word(operands[2][0], lane));
                break;
            case "and.b32":
                Write(operands[0][0], lane => Word(operands[1][0], lane) & Word(operands[2][0], lane));
                break;
            case "setp.gt.s32":
                Write(
                    operands[0][0],
                    lane => (int)Word(operands[1][0], lane) > (int)Word(operands[2][0], lane) ? 1u : 0u
                );
                break;
            case "selp.f32":
                Write(operands[0][0], lane => Word(operands[Word(operands[3][0], lane) != 0 ? 1 : 2][0], lane));
                break;
            case "shfl.sync.bfly.b32":
                Assert.That(operands[3][0] + operands[4][0], Is.EqualTo("310xffffffff"));
                Write(operands[0][0], lane => Word(operands[1][0], lane ^ (int)Word(operands[2][0], lane)));
                break;
            case "prmt.b32":
                Write(
                    operands[0][0],
                    lane => Permuted(Word(operands[1][0], lane), Word(operands[2][0], lane), Word(operands[3][0], lane))
                );
                break;
            case "ld.shared.v4.b32":
                for (var i = 0; i < 4; i++)
                {
                    var word = i;
                    Write(
                        operands[0][i],
                        lane => BitConverter.ToUInt32(Shared, (int)Address(operands[1][0], lane) + 4 * word)
                    );
                }

                break;
            case "st.global.v2.f32" or "st.global.v4.f32":
                for (var lane = 0; lane < Lanes; lane++)
                {
                    for (var i = 0; i < operands[1].Length; i++)
                    {
                        Stored[Address(operands[0][0], lane) + 4 * i] = Value(operands[1][i], lane);
                    }
                }

                break;
            case "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32":
                Multiply(operands[0], operands[1], operands[2], operands[3]);
                break;
            default:
                throw new NotSupportedException(instruction);
        }
    }

    /// <summary>D = A B + C; fragments as the PTX manual lays them out for m16n8k16.</summary>
    private void Multiply(string[] d, string[] a, string[] b, string[] c)
    {
        var sums = new float[4][];
        for (var i = 0; i < 4; i++)
        {
            sums[i] = new float[Lanes];
            for (var lane = 0; lane < Lanes; lane++)
            {
                var row = lane / 4 + i / 2 * 8;
                var column = lane % 4 * 2 + i % 2;
                var sum = (double)Value(c[i], lane);
                for (var k = 0; k < 16; k++)
                {
                    var left = _registers[a[row / 8 + k / 8 * 2]][row % 8 * 4 + k % 8 / 2];
                    var right = _registers[b[k / 8]][column * 4 + k % 8 / 2];
                    sum += (double)Half(left, k % 2) * Half(right, k % 2);
                }

                sums[i][lane] = (float)sum;
            }
        }

        for (var i = 0; i < 4; i++)
        {
            var column = sums[i];
            Write(d[i], lane => BitConverter.SingleToUInt32Bits(column[lane]));
        }
    }

    private void Compute(string[][] operands, Func<float[], float> formula) =>
        Write(
            operands[0][0],
            lane =>
                BitConverter.SingleToUInt32Bits(formula([.. operands[1..].Select(operand => Value(operand[0], lane))]))
        );

    private void Write(string register, Func<int, uint> word) =>
        _registers[register] = [.. Enumerable.Range(0, Lanes).Select(word)];

    /// <summary>The nearest bf16, ties to even.</summary>
    private uint Rounded(string register, int lane)
    {
        var bits = Word(register, lane);
        return (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    }

    private uint Word(string operand, int lane) =>
        operand.StartsWith("0f", StringComparison.Ordinal) || operand.StartsWith("0x", StringComparison.Ordinal)
            ? Convert.ToUInt32(operand[2..], 16)
        : char.IsDigit(operand[0]) ? uint.Parse(operand, CultureInfo.InvariantCulture)
        : _registers[operand][lane];

    /// <summary>[%0+off].</summary>
    private long Address(string operand, int lane)
    {
        var parts = operand.Trim('[', ']').Split('+');
        return _registers[parts[0]][lane] + (parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
    }

    private static float Half(uint word, int half) =>
        BitConverter.UInt32BitsToSingle(half == 0 ? word << 16 : word & 0xFFFF0000u);

    private static uint Permuted(uint low, uint high, uint selector)
    {
        var bytes = low | ((ulong)high << 32);
        var result = 0u;
        for (var i = 0; i < 4; i++)
        {
            result |= (uint)((bytes >> (int)(8 * ((selector >> (4 * i)) & 7))) & 0xFF) << (8 * i);
        }

        return result;
    }

    /// <summary>Operands, those in braces one by one.</summary>
    private static string[][] Operands(string text)
    {
        var operands = new List<string[]>();
        for (var at = 0; at < text.Length; )
        {
            if (text[at] is ' ' or ',')
            {
                at++;
                continue;
            }

            var isVector = text[at] == '{';
            var end = text.IndexOf(isVector ? '}' : ',', at);
            end = end < 0 ? text.Length : end;
            operands.Add(text[(isVector ? at + 1 : at)..end].Split(',', StringSplitOptions.TrimEntries));
            at = end + 1;
        }

        return [.. operands];
    }
}
