namespace Ppsd.Actors.Resumes;

/// <summary>
/// A stage's memory for the hidden states that it has sent, of all its sessions together, within a budget. Rows are rented by
/// number; memory is taken as rows need it and given back when none is rented. Pure; one owner.
/// </summary>
/// <param name="budget">Most bytes.</param>
/// <param name="rowBytes">Bytes of a row.</param>
internal sealed class RowMemory(long budget, int rowBytes)
{
    private const int RowsOfSlab = 64;

    private readonly List<byte[]> _slabs = [];
    private readonly Stack<int> _free = [];
    private readonly int _most = (int)Math.Min(budget / rowBytes, int.MaxValue - RowsOfSlab);
    private int _made;

    /// <summary>Bytes of a row.</summary>
    public int RowBytes => rowBytes;

    /// <summary>Bytes of the rows that are rented.</summary>
    public long UsedBytes => (long)(_made - _free.Count) * rowBytes;

    /// <summary>A row's memory.</summary>
    public Span<byte> this[int row] => _slabs[row / RowsOfSlab].AsSpan(row % RowsOfSlab * rowBytes, rowBytes);

    /// <summary>Rents a row; false when the budget is spent.</summary>
    public bool TryRent(out int row)
    {
        if (_free.TryPop(out row))
        {
            return true;
        }

        if (_made == _most)
        {
            return false;
        }

        if (_made % RowsOfSlab == 0)
        {
            _slabs.Add(GC.AllocateUninitializedArray<byte>(Math.Min(RowsOfSlab, _most - _made) * rowBytes));
        }

        row = _made++;
        return true;
    }

    /// <summary>Gives a row back.</summary>
    public void Return(int row)
    {
        _free.Push(row);
        if (_free.Count == _made)
        {
            _free.Clear();
            _slabs.Clear();
            _made = 0;
        }
    }
}
