using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Devices.Ilgpu;
using Ppsd.Kernels.Weights;

namespace Ppsd.Tests.Support;

/// <summary>
/// A back end with buffers that tests fill and read as arrays. The simulator runs the very kernels of CUDA; where
/// <see cref="TestCard"/> names a card, what asks for the simulator gets that card.
/// </summary>
internal sealed class BackendUnderTest : IDisposable
{
    // The simulator starts a thread for every thread of a card's multiprocessor, so all tests share one, one at a time.
    private static readonly SemaphoreSlim _simulatorFree = new(1);
    private static readonly Lazy<Backend> _simulator = new(() => new IlgpuBackend(TestCard.Open(), kvIsBFloat16: true));
    private static readonly Lazy<Backend> _exactSimulator = new(() =>
        new IlgpuBackend(TestCard.Open(), kvIsBFloat16: false)
    );

    private static readonly Lazy<Backend> _smallSimulator = new(() =>
        new IlgpuBackend(TestCard.Open(), kvIsBFloat16: true, TestCard.Limits(99 * 1024, 1))
    );
    private static readonly Lazy<Backend> _narrowSimulator = new(() =>
        new IlgpuBackend(TestCard.Open(), kvIsBFloat16: true, TestCard.Limits(227 * 1024, 1))
    );

    private readonly List<IDisposable> _buffers = [];
    private readonly bool _isShared;

    private BackendUnderTest(Backend backend, bool isShared)
    {
        Backend = backend;
        _isShared = isShared;
    }

    /// <summary>Back ends for operations that touch no keys and values.</summary>
    public static IEnumerable<string> Devices { get; } = ["cpu", "cpu, 3 threads", "simulator"];

    /// <summary>Back ends with every way to hold keys and values.</summary>
    public static IEnumerable<string> Names { get; } = [.. Devices, "simulator, fp32 KV"];

    public Backend Backend { get; }

    /// <summary>True on the simulator, which is right and thousands of times slower.</summary>
    public bool IsSimulator => _isShared && !TestCard.IsAsked;

    public static BackendUnderTest Open(string name)
    {
        switch (name)
        {
            case "cpu":
                return new BackendUnderTest(new CpuBackend(1), isShared: false);
            case "cpu, 3 threads":
                return new BackendUnderTest(new CpuBackend(3), isShared: false);
            case "simulator":
                return Shared(_simulator);
            case "simulator, fp32 KV":
                return Shared(_exactSimulator);
            case "simulator, small card":
                return Shared(_smallSimulator);
            case "simulator, one multiprocessor":
                return Shared(_narrowSimulator);
            default:
                throw new ArgumentOutOfRangeException(nameof(name), name, "no such back end");
        }
    }

    private static BackendUnderTest Shared(Lazy<Backend> simulator)
    {
        OnSimulatorAttribute.Require();
        _simulatorFree.Wait();
        return new BackendUnderTest(simulator.Value, isShared: true);
    }

    public Activations Rows(params float[][] rows)
    {
        var buffer = Buffer(rows.Length, rows[0].Length);
        Backend.Upload(rows.SelectMany(row => row).ToArray(), buffer, rows.Length);
        return buffer;
    }

    /// <summary>A buffer poisoned with NaN, so that values an operation forgets to write are seen.</summary>
    public Activations Poisoned(int rows, int width) => Rows(Poison(rows, width));

    /// <summary>Rows for a product to read.</summary>
    public Activations Input(params float[][] rows)
    {
        var buffer = Owned(Backend.AllocateProductInput(rows.Length, rows[0].Length));
        Backend.Upload(rows.SelectMany(row => row).ToArray(), buffer, rows.Length);
        return buffer;
    }

    /// <summary>The same, poisoned.</summary>
    public Activations PoisonedInput(int rows, int width) => Input(Poison(rows, width));

    public Activations Buffer(int rows, int width) => Owned(Backend.AllocateActivations(rows, width));

    public WeightMatrix Matrix(float[] values, int rows, ElementType type = ElementType.BFloat16)
    {
        using var tensor = new OneTensor(type, [rows, values.Length / rows], values);
        return Loaded(Backend.LoadMatrix(tensor.Weight));
    }

    public WeightMatrix GateUp(float[] gate, float[] up, int rows, ElementType type = ElementType.BFloat16)
    {
        using var gateTensor = new OneTensor(type, [rows, gate.Length / rows], gate);
        using var upTensor = new OneTensor(type, [rows, up.Length / rows], up);
        return Loaded(Backend.LoadGateUp(gateTensor.Weight, upTensor.Weight));
    }

    public Norm Norm(float[] weight, float epsilon = 1e-5f) => new(Vector(weight), epsilon);

    /// <summary>Rows after a norm.</summary>
    public NormedRows Normed(float[] weight, params float[][] rows)
    {
        var normed = Owned(Backend.AllocateNormed(rows.Length, weight.Length));
        Backend.RmsNorm(Rows(rows), 0, rows.Length, Norm(weight), normed);
        return normed;
    }

    public WeightVector Vector(float[] values)
    {
        using var tensor = new OneTensor(ElementType.Float32, [values.Length], values);
        return Owned(Backend.LoadVector(tensor.Weight));
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
        if (_isShared)
        {
            _simulatorFree.Release();
        }
        else
        {
            Backend.Dispose();
        }
    }

    private static float[][] Poison(int rows, int width) =>
        [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Repeat(float.NaN, width).ToArray())];

    private WeightMatrix Loaded(WeightMatrix matrix)
    {
        Backend.FinishLoading();
        return Owned(matrix);
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

        public Weight Weight => new CheckpointWeight(_file.Require("t"));

        public void Dispose()
        {
            _file.Dispose();
            File.Delete(_path);
        }
    }
}
