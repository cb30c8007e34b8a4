using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// One tensor of an open <see cref="SafetensorsFile"/>, row-major and little-endian, read in place. It may be larger
/// than 2 GiB, so sizes are <see cref="long"/> and bytes are handed out in ranges. Seen as a matrix, a tensor of two or
/// more dimensions has one row per index of the first, a vector is a single row and a scalar a row of one. Any number
/// of threads may read it; it is usable until its file is disposed.
/// </summary>
public sealed unsafe class Tensor
{
    private readonly SafetensorsFile _file;
    private readonly TensorEntry _entry;

    internal Tensor(SafetensorsFile file, TensorEntry entry, ElementType elementType)
    {
        _file = file;
        _entry = entry;
        ElementType = elementType;
        RowCount = entry.Shape.Length < 2 ? 1 : entry.Shape[0];
        RowLength = RowCount == 0 ? 0 : entry.ElementCount / RowCount;
    }

    /// <summary>The tensor's name.</summary>
    public string Name => _entry.Name;

    /// <summary>Path of the file that holds it.</summary>
    public string File => _file.Path;

    /// <summary>The type of its elements.</summary>
    public ElementType ElementType { get; }

    /// <summary>The dimensions, outermost first; empty for a scalar.</summary>
    public ImmutableArray<long> Shape => _entry.Shape;

    /// <summary>The product of the dimensions.</summary>
    public long ElementCount => _entry.ElementCount;

    /// <summary>Its bytes.</summary>
    public long ByteCount => _entry.ByteCount;

    /// <summary>Number of rows.</summary>
    public long RowCount { get; }

    /// <summary>Elements per row.</summary>
    public long RowLength { get; }

    /// <summary>
    /// Its first byte; <see cref="ByteCount"/> bytes may be read from there until the file is disposed. Not aligned:
    /// the format aligns nothing, so only unaligned loads are safe.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    [SuppressMessage("Naming", "CA1720", Justification = "It is a pointer, and its user must know.")]
    public byte* Pointer => _file.Data + _entry.Offset;

    /// <summary>A range of its bytes, in place. The span is dead once the file is disposed.</summary>
    /// <param name="offset">Bytes from the start of the tensor.</param>
    /// <param name="count">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteCount);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ByteCount - offset);
        return new(Pointer + offset, count);
    }

    /// <summary>Reads one row as single precision, exactly.</summary>
    /// <param name="row">Row index from 0.</param>
    /// <param name="destination">[RowLength] receives the row.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="ArgumentException">The destination is not one row long.</exception>
    /// <exception cref="InvalidOperationException">The elements are integers.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public void ReadRow(long row, Span<float> destination) => ReadRows(row, 1, destination);

    /// <summary>Reads neighbouring rows as single precision, exactly.</summary>
    /// <param name="firstRow">Row index from 0.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <param name="destination">[rowCount, RowLength] receives the rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such rows.</exception>
    /// <exception cref="ArgumentException">The destination is not as long as the rows.</exception>
    /// <exception cref="InvalidOperationException">The elements are integers.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        var source = Rows(firstRow, rowCount, destination.Length);
        switch (ElementType)
        {
            case ElementType.BFloat16:
                ElementConversion.BFloat16ToSingle(new(source, destination.Length), destination);
                break;
            case ElementType.Float16:
                ElementConversion.Float16ToSingle(new(source, destination.Length), destination);
                break;
            case ElementType.Float32:
                new ReadOnlySpan<float>(source, destination.Length).CopyTo(destination);
                break;
            default:
                throw new InvalidOperationException($"Tensor '{Name}' holds {ElementType}, which is not a float type.");
        }
    }

    /// <summary>Reads one row of integers.</summary>
    /// <param name="row">Row index from 0.</param>
    /// <param name="destination">[RowLength] receives the row.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    /// <exception cref="ArgumentException">The destination is not one row long.</exception>
    /// <exception cref="InvalidOperationException">The elements are not integers.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed.</exception>
    public void ReadRow(long row, Span<int> destination)
    {
        var source = Rows(row, 1, destination.Length);
        if (ElementType != ElementType.Int32)
        {
            throw new InvalidOperationException($"Tensor '{Name}' holds {ElementType}, which is not an integer type.");
        }

        new ReadOnlySpan<int>(source, destination.Length).CopyTo(destination);
    }

    private byte* Rows(long firstRow, int rowCount, int destinationLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(firstRow);
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rowCount, RowCount - firstRow);
        if ((Int128)rowCount * RowLength != destinationLength)
        {
            throw new ArgumentException(
                $"The destination holds {destinationLength} elements, {rowCount} rows of '{Name}' {rowCount * RowLength}."
            );
        }

        return Pointer + (firstRow * RowLength * ElementType.SizeInBytes());
    }
}
