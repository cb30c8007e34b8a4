using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>
/// A layer's kernels hand rows on to products by warpgroups in bf16 parts, where widths leave no padding. The bits are those of rows
/// that a kernel between them splits, and of each row alone.
/// </summary>
[OnSimulator]
public sealed class LayerPartsTests
{
    private const int Width = 256;

    /// <summary>More rows than a tile of eight has.</summary>
    [TestCase("simulator", 9)]
    [TestCase("cpu", 9)]
    public void A_layer_of_many_rows_has_the_bits_of_rows_that_are_split_between_its_kernels(string name, int count)
    {
        using var layer = new Layer(name);
        var x = Enumerable.Range(0, count).Select(row => TestValues.Normal(Width, 10 + row)).ToArray();

        var handed = layer.Run(x, 0, isSplitBetween: false);

        var last = count - 1;
        Assert.That(handed, Is.EqualTo(layer.Run(x, 0, isSplitBetween: true)));
        Assert.That(handed[last], Is.EqualTo(layer.Run([x[last]], last, isSplitBetween: false)[0]));
    }

    /// <summary>One layer, and a cache that holds a text of rows.</summary>
    private sealed class Layer : IDisposable
    {
        private const int SlotCount = 48;
        private readonly AttentionShape _shape = new(4, 2, Width / 4);
        private readonly BackendUnderTest _device;
        private readonly Norm _norm;
        private readonly WeightMatrix _qkv;
        private readonly WeightMatrix _output;
        private readonly WeightMatrix _gateUp;
        private readonly WeightMatrix _down;
        private readonly KvMemory _kv;
        private readonly RotaryMemory _rotary;
        private readonly Activations _barrier;

        public Layer(string name)
        {
            _device = BackendUnderTest.Open(name);
            _norm = _device.Norm(TestValues.Normal(Width, 1));
            _qkv = _device.Matrix(TestValues.BFloat16(_shape.QkvWidth * Width, 2), _shape.QkvWidth);
            _output = _device.Matrix(TestValues.BFloat16(Width * Width, 3), Width);
            _gateUp = _device.GateUp(
                TestValues.BFloat16(Width * Width, 4),
                TestValues.BFloat16(Width * Width, 5),
                Width
            );
            _down = _device.Matrix(TestValues.BFloat16(Width * Width, 6), Width);
            _kv = _device.Owned(
                _device.Backend.AllocateKv(new KvShape(SlotCount, _shape.KvHeadCount, _shape.HeadSize))
            );
            var table = new RotaryTable(AttentionReference.Rope, _shape.HeadSize, SlotCount, ElementType.Float32);
            _rotary = _device.Owned(_device.Backend.LoadRotary(table));
            _barrier = _device.Buffer(1, 1);
        }

        /// <summary>The residual stream behind the layer, and the next norm's product.</summary>
        /// <param name="x">Rows of a text from position <paramref name="first"/> on.</param>
        /// <param name="isSplitBetween">True to have the host write something between any two kernels: then none counts on another.</param>
        public float[][] Run(float[][] x, int first, bool isSplitBetween)
        {
            var rows = x.Length;
            var backend = _device.Backend;
            var hidden = _device.Rows(x);
            var normed = _device.Owned(backend.AllocateNormed(rows, Width));
            var qkv = _device.Poisoned(rows, _shape.QkvWidth);
            var attended = _device.PoisonedInput(rows, _shape.QueryWidth);
            var inner = _device.PoisonedInput(rows, Width);
            var scratch = _device.Buffer(rows, 2 * Width);
            var next = _device.Poisoned(rows, Width);

            backend.BeginStep(Batch(first, first + rows));
            Action[] operations =
            [
                () => backend.RmsNorm(hidden, 0, rows, _norm, normed),
                () => backend.MatMul(normed, _qkv, qkv, rows),
                () => backend.Attend(qkv, _shape, _rotary, _kv, attended),
                () => backend.MatMulAdd(attended, _output, hidden, rows, _norm, normed),
                () => backend.MatMulSwiGlu(normed, _gateUp, scratch, inner, rows),
                () => backend.MatMulAdd(inner, _down, hidden, rows, _norm, normed),
                // Twice: the kernel that normed them has given their parts for one product.
                () => backend.MatMul(normed, _output, next, rows),
                () => backend.MatMul(normed, _output, next, rows),
            ];
            foreach (var operation in operations)
            {
                operation();
                if (isSplitBetween)
                {
                    backend.Upload([0f], _barrier, 1);
                }
            }

            var stream = _device.Read(hidden, rows);
            var product = _device.Read(next, rows);
            return [.. stream.Zip(product, (left, right) => (float[])[.. left, .. right])];
        }

        public void Dispose() => _device.Dispose();

        private static StepBatch Batch(int first, int end)
        {
            int[] slots = [.. Enumerable.Range(0, SlotCount).Select(i => i * 13 % SlotCount)];
            var batch = new StepBatch(end - first);
            for (var position = first; position < end; position++)
            {
                batch.Add(0, position, slots[position], slots, position + 1, slots.AsSpan(position + 1, 0));
            }

            return batch;
        }
    }
}
