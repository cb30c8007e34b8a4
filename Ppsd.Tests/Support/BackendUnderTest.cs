using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Devices.Ilgpu;

namespace Ppsd.Tests.Support;

/// <summary>A back end with buffers that tests fill and read as arrays. The simulator runs the very kernels of CUDA.</summary>
internal sealed class BackendUnderTest : IDisposable
{
    private readonly List<IDisposable> _buffers = [];

    private BackendUnderTest(Backend backend) => Backend = backend;

    public static IEnumerable<string> Names { get; } = ["cpu", "cpu, 3 threads", "simulator", "simulator, fp32 KV"];

    public Backend Backend { get; }

    public static BackendUnderTest Open(string name) =>
        new(
            name switch
            {
                "cpu" => new CpuBackend(1),
                "cpu, 3 threads" => new CpuBackend(3),
                "simulator" => new IlgpuBackend(IlgpuDevice.OpenSimulator(), kvIsBFloat16: true),
                "simulator, fp32 KV" => new IlgpuBackend(IlgpuDevice.OpenSimulator(), kvIsBFloat16: false),
                _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such back end"),
            }
        );

    public Activations Rows(params float[][] rows)
    {
        var buffer = Buffer(rows.Length, rows[0].Length);
        Backend.Upload(rows.SelectMany(row => row).ToArray(), buffer, rows.Length);
        return buffer;
    }

    /// <summary>A buffer poisoned with NaN, so that values an operation forgets to write are seen.</summary>
    public Activations Poisoned(int rows, int width) =>
        Rows([.. Enumerable.Range(0, rows).Select(_ => Enumerable.Repeat(float.NaN, width).ToArray())]);

    public Activations Buffer(int rows, int width) => Owned(Backend.AllocateActivations(rows, width));

    public WeightMatrix Matrix(float[] values, int rows, ElementType type = ElementType.BFloat16)
    {
        using var tensor = new OneTensor(type, [rows, values.Length / rows], values);
        return Owned(Backend.LoadMatrix(tensor.Tensor));
    }

    public WeightVector Vector(float[] values)
    {
        using var tensor = new OneTensor(ElementType.Float32, [values.Length], values);
        return Owned(Backend.LoadVector(tensor.Tensor));
    }

    public T Owned<T>(T buffer)
        where T : IDisposable
    {
        _buffers.Add(buffer);
        return buffer;
    }

    public float[][] Read(Activations buffer, int rows)
    {
        var values = new float[rows * buffer.Width];
        Backend.Download(buffer, rows, values);
        return [.. values.Chunk(buffer.Width)];
    }

    public void Dispose()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        Backend.Dispose();
    }

    /// <summary>A tensor in a file of its own: back ends load from nothing else.</summary>
    private sealed class OneTensor : IDisposable
    {
        private readonly string _path = Path.GetTempFileName();
        private readonly SafetensorsFile _file;

        public OneTensor(ElementType type, long[] shape, float[] values)
        {
            new SafetensorsWriter().Add("t", type, shape, values).Write(_path);
            _file = SafetensorsFile.Open(_path);
        }

        public Tensor Tensor => _file.Require("t");

        public void Dispose()
        {
            _file.Dispose();
            File.Delete(_path);
        }
    }
}
