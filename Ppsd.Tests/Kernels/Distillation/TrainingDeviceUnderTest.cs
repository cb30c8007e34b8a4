using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;
using Ppsd.Kernels.Distillation.Ilgpu;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>
/// A training device with buffers that tests fill and read as arrays; the simulator may be a card, see <see cref="TestCard"/>.
/// </summary>
internal sealed class TrainingDeviceUnderTest : IDisposable
{
    private readonly List<IDisposable> _buffers = [];

    private TrainingDeviceUnderTest(TrainingDevice device, bool isShared)
    {
        Device = device;
        _isShared = isShared;
    }

    // The simulator starts a thread for each of a multiprocessor's, so all tests share one, one at a time.
    private static readonly SemaphoreSlim _simulatorFree = new(1);
    private static readonly Lazy<TrainingDevice> _simulator = new(() =>
        new IlgpuTrainingDevice(TestCard.Open(), passTokens: 64)
    );

    /// <summary>Devices whose products are fp32 throughout.</summary>
    public static IEnumerable<string> ExactNames { get; } = ["cpu", "cpu, 3 threads"];

    /// <summary>Devices; the simulator runs the very kernels of CUDA.</summary>
    public static IEnumerable<string> Names { get; } = [.. ExactNames, Simulator];

    public const string Simulator = "simulator";

    private readonly bool _isShared;

    public TrainingDevice Device { get; }

    /// <summary>True on the simulator, which is right and thousands of times slower.</summary>
    public bool IsSimulator => _isShared && !TestCard.IsAsked;

    public static TrainingDeviceUnderTest Open(string name) =>
        name switch
        {
            "cpu" => new(new CpuTrainingDevice(1), isShared: false),
            "cpu, 3 threads" => new(new CpuTrainingDevice(3), isShared: false),
            Simulator => OpenSimulator(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such device"),
        };

    private static TrainingDeviceUnderTest OpenSimulator()
    {
        OnSimulatorAttribute.Require();
        _simulatorFree.Wait();
        return new(_simulator.Value, isShared: true);
    }

    /// <summary>A buffer of these values.</summary>
    public Activations Rows(double[] values, int rows)
    {
        var buffer = Owned(Device.Allocate(rows, values.Length / rows));
        Device.Upload(Single(values), buffer, rows);
        return buffer;
    }

    /// <summary>A buffer poisoned with NaN, so that values an operation forgets to write are seen.</summary>
    public Activations Poisoned(int rows, int width) => Rows([.. Enumerable.Repeat(double.NaN, rows * width)], rows);

    public Activations Zeros(int rows, int width) => Owned(Device.Allocate(rows, width));

    public IndexBuffer Indices(params int[] values)
    {
        var buffer = Owned(Device.AllocateIndices(values.Length));
        Device.Upload(values, buffer);
        return buffer;
    }

    public SequenceStarts Sequences(params int[] starts) => new(starts, Indices(starts));

    public TrainedMatrix Trained(double[] values, int rows)
    {
        var matrix = Owned(Device.AllocateTrained(rows, values.Length / rows));
        matrix.Write(TrainedPart.Values, Single(values));
        return matrix;
    }

    public TrainingMatrix Frozen(double[] values, int rows, MatrixUses uses) =>
        Owned(Device.LoadFrozen(uses, new ArrayWeight(Single(values), rows)));

    public IDisposable Rotary(RotaryTable table) => Owned(Device.LoadRotary(table));

    public double[] Read(Activations buffer, int? rows = null)
    {
        var values = new float[(rows ?? buffer.Capacity) * buffer.Width];
        Device.Download(buffer, rows ?? buffer.Capacity, values);
        return [.. values.Select(value => (double)value)];
    }

    public static double[] Gradient(TrainedMatrix matrix) => Part(matrix, TrainedPart.Gradient);

    public static double[] Part(TrainedMatrix matrix, TrainedPart part)
    {
        var values = new float[matrix.Count];
        matrix.Read(part, values);
        return [.. values.Select(value => (double)value)];
    }

    public T Owned<T>(T buffer)
        where T : IDisposable
    {
        _buffers.Add(buffer);
        return buffer;
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
            Device.Dispose();
        }
    }

    private static float[] Single(double[] values) => [.. values.Select(value => (float)value)];
}

/// <summary>A weight that is an array.</summary>
internal sealed class ArrayWeight(float[] values, int rows) : Weight(rows, values.Length / rows, ElementType.Float32)
{
    public override void ReadRow(long row, Span<float> destination) =>
        values.AsSpan((int)(row * RowLength), (int)RowLength).CopyTo(destination);
}
