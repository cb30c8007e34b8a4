namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// How the groups of a product share its row blocks: in whole waves of <see cref="BlocksPerUnit"/> row blocks a group; what
/// is left over is dealt out one row block a group if that is enough, so that no group has twice the others' last share.
/// </summary>
internal readonly struct UnitSchedule
{
    /// <summary>Row blocks that a group multiplies at once: each load of x serves them all.</summary>
    public const int BlocksPerUnit = 2;

    /// <summary>Row blocks of the matrix.</summary>
    public readonly int RowBlocks;

    /// <summary>Groups.</summary>
    public readonly int Groups;

    /// <summary>Units that every group has.</summary>
    public readonly int Waves;

    /// <summary>Groups that have one more.</summary>
    public readonly int Tail;

    /// <summary>Row blocks of that one.</summary>
    public readonly int TailBlocks;

    private UnitSchedule(int rowBlocks, int groups, int waves, int tail, int tailBlocks)
    {
        RowBlocks = rowBlocks;
        Groups = groups;
        Waves = waves;
        Tail = tail;
        TailBlocks = tailBlocks;
    }

    /// <summary>A schedule for at most <paramref name="maxGroups"/> groups.</summary>
    public static UnitSchedule For(int rowBlocks, int maxGroups)
    {
        var waves = rowBlocks / (BlocksPerUnit * maxGroups);
        var rest = rowBlocks - waves * BlocksPerUnit * maxGroups;
        var tailBlocks = rest <= maxGroups ? 1 : BlocksPerUnit;
        var tail = (rest + tailBlocks - 1) / tailBlocks;
        return new UnitSchedule(rowBlocks, waves > 0 ? maxGroups : tail, waves, tail, tailBlocks);
    }

    /// <summary>Units of a group.</summary>
    public int UnitCount(int group) => group < Tail ? Waves + 1 : Waves;

    /// <summary>First row block of a group's unit.</summary>
    public int FirstBlock(int group, int unit) =>
        unit < Waves ? (unit * Groups + group) * BlocksPerUnit : Waves * Groups * BlocksPerUnit + group * TailBlocks;

    /// <summary>Row blocks of a group's unit.</summary>
    public int BlockCount(int group, int unit)
    {
        var left = RowBlocks - FirstBlock(group, unit);
        var most = unit < Waves ? BlocksPerUnit : TailBlocks;
        return left < most ? left : most;
    }
}
