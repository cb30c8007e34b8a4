namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// How the groups of a product share its row blocks. A group has neighbouring row blocks, as many as every other or one
/// more, and multiplies them in units of nearly equal size: of up to <see cref="QuadBlocks"/> where every group has enough
/// of them, since each load of x serves a whole unit, else of up to <see cref="PairBlocks"/>.
/// </summary>
internal readonly struct UnitSchedule
{
    /// <summary>Row blocks of a unit, at most, where groups have more than eight.</summary>
    public const int QuadBlocks = 4;

    /// <summary>Row blocks of a unit, at most, where they have fewer: of five or six, halves would be quads with gaps.</summary>
    public const int PairBlocks = 2;

    private const int FewBlocks = 8;

    /// <summary>Groups.</summary>
    public readonly int Groups;

    /// <summary>True when units have up to <see cref="QuadBlocks"/>.</summary>
    public bool HasQuads => _hasQuads != 0;

    private readonly int _hasQuads;
    private readonly int _blocks;
    private readonly int _richGroups;
    private readonly int _units;
    private readonly int _unitBlocks;
    private readonly int _longUnits;
    private readonly int _richUnits;
    private readonly int _richUnitBlocks;
    private readonly int _richLongUnits;

    private UnitSchedule(int rowBlocks, int groups)
    {
        Groups = groups;
        _blocks = rowBlocks / groups;
        _richGroups = rowBlocks - _blocks * groups;
        var hasQuads = rowBlocks > FewBlocks * groups;
        _hasQuads = hasQuads ? 1 : 0;
        var most = hasQuads ? QuadBlocks : PairBlocks;
        (_units, _unitBlocks, _longUnits) = Cut(_blocks, most);
        (_richUnits, _richUnitBlocks, _richLongUnits) = Cut(_blocks + 1, most);
    }

    /// <summary>A schedule for at most <paramref name="maxGroups"/> groups.</summary>
    public static UnitSchedule For(int rowBlocks, int maxGroups) => new(rowBlocks, Math.Min(rowBlocks, maxGroups));

    /// <summary>Units of a group.</summary>
    public int UnitCount(int group) => group < _richGroups ? _richUnits : _units;

    /// <summary>First row block of a group's unit.</summary>
    public int FirstBlock(int group, int unit)
    {
        if (group < _richGroups)
        {
            return group * (_blocks + 1) + unit * _richUnitBlocks + (unit < _richLongUnits ? unit : _richLongUnits);
        }

        return group * _blocks + _richGroups + unit * _unitBlocks + (unit < _longUnits ? unit : _longUnits);
    }

    /// <summary>Row blocks of a group's unit.</summary>
    public int BlockCount(int group, int unit)
    {
        if (group < _richGroups)
        {
            return unit < _richLongUnits ? _richUnitBlocks + 1 : _richUnitBlocks;
        }

        return unit < _longUnits ? _unitBlocks + 1 : _unitBlocks;
    }

    private static (int Units, int Blocks, int LongUnits) Cut(int blocks, int most)
    {
        var units = (blocks + most - 1) / most;
        return (units, blocks / units, blocks % units);
    }
}
