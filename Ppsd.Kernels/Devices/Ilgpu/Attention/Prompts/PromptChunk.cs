using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// One chunk for a warp's tile of columns: scores of its eight tiles of positions, their maximum, weights, and weighted
/// values, tile by tile. It is what <see cref="AttentionChunk"/> does by eight warps, and its sums have the same order.
/// </summary>
/// <remarks>
/// On a card queries, scores and sums stay in registers with names of their own (<see cref="PromptAssembly"/>); the simulator
/// has <see cref="SimulatedChunk"/>. Tiles 4 to 7 are left out where no column reads them: all their weights would be zero.
/// </remarks>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal static class PromptChunk<TParts>
    where TParts : struct, IHeadParts
{
    private const int HalfLength = AttentionTiling.ChunkLength / 2;
    private const int TileBytes = GroupSum.WarpSize * SharedCopy.LoadBytes;
    private const int TileLength = AttentionTiling.TileLength;

    private static int StageBytes => KvStage<BFloat16Kv, TParts>.Loads * SharedCopy.LoadBytes;

    private static int KeyBytes => KvStage<BFloat16Kv, TParts>.KeyLoads * SharedCopy.LoadBytes;

    /// <summary>Declares the registers; once in a kernel, before anything else here.</summary>
    public static void Declare()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        // Not within the condition: ILGPU would put the text behind that of their use.
        CudaAsm.Emit(PromptAssembly.Declare);
    }

    /// <summary>Takes the lane's queries from shared memory to registers.</summary>
    public static void LoadQueries(in PromptShared shared)
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        var lane = Warp.LaneIdx;
        var address = shared.QueryAddress + AttentionShared.QueryAt(lane >> 2, lane & 3) * SharedCopy.LoadBytes;
        if (TParts.Count > 1)
        {
            CudaAsm.Emit(PromptAssembly.LoadTwoParts, address);
        }
        else
        {
            CudaAsm.Emit(PromptAssembly.LoadOnePart, address);
        }
    }

    /// <summary>Computes a chunk and stores it for the merge.</summary>
    /// <param name="shared">The chunk's keys and values, and on the simulator the queries.</param>
    /// <param name="stage">Stage of the ring.</param>
    /// <param name="chunk">Number of the chunk.</param>
    /// <param name="columns">The warp's columns.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="partials">Receives the results.</param>
    public static void Attend(
        in PromptShared shared,
        int stage,
        int chunk,
        in PromptColumns columns,
        float scale,
        in AttentionPartials partials
    )
    {
        var start = chunk * AttentionTiling.ChunkLength;
        var left = columns.Length - start - (Warp.LaneIdx & 3) * 2;
        var isWhole = columns.Longest > start + HalfLength;
        if (!CudaAsm.IsSupported)
        {
            var tiles = isWhole ? AttentionTiling.WarpCount : AttentionTiling.WarpCount / 2;
            SimulatedChunk.Attend<TParts>(shared, stage, chunk, tiles, left, columns, scale, partials);
            return;
        }

        var keys = shared.RingAddress + stage * StageBytes + Warp.LaneIdx * SharedCopy.LoadBytes;
        CudaAsm.Emit(PromptAssembly.Begin);
        if (TParts.Count > 1)
        {
            TwoParts(keys, left, scale, isWhole);
        }
        else
        {
            OnePart(keys, left, scale, isWhole);
        }

        var load = Warp.LaneIdx >> 2;
        if (columns.EvenLength > start)
        {
            StoreEven(Address(partials, columns.EvenAt + chunk, load));
        }

        if (columns.OddLength > start)
        {
            StoreOdd(Address(partials, columns.OddAt + chunk, load));
        }

        if ((Warp.LaneIdx & 3) == 0 && columns.Length > start)
        {
            CudaAsm.Emit(PromptAssembly.StoreTotal, partials.TotalAddress + (columns.At + chunk) * 2 * sizeof(float));
        }
    }

    private static void OnePart(int keys, int left, float scale, bool isWhole)
    {
        const string Score = PromptAssembly.ScoreOnePart;
        const string Add = PromptAssembly.AddOnePart;
        var values = keys + KeyBytes;
        CudaAsm.Emit(Score + PromptAssembly.To0, keys, left, scale);
        CudaAsm.Emit(Score + PromptAssembly.To1, keys + TileBytes, left - TileLength, scale);
        CudaAsm.Emit(Score + PromptAssembly.To2, keys + 2 * TileBytes, left - 2 * TileLength, scale);
        CudaAsm.Emit(Score + PromptAssembly.To3, keys + 3 * TileBytes, left - 3 * TileLength, scale);
        if (isWhole)
        {
            CudaAsm.Emit(Score + PromptAssembly.To4, keys + 4 * TileBytes, left - 4 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To5, keys + 5 * TileBytes, left - 5 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To6, keys + 6 * TileBytes, left - 6 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To7, keys + 7 * TileBytes, left - 7 * TileLength, scale);
        }

        CudaAsm.Emit(PromptAssembly.ShareMax);
        CudaAsm.Emit(PromptAssembly.From0 + Add, values);
        CudaAsm.Emit(PromptAssembly.From1 + Add, values + TileBytes);
        CudaAsm.Emit(PromptAssembly.From2 + Add, values + 2 * TileBytes);
        CudaAsm.Emit(PromptAssembly.From3 + Add, values + 3 * TileBytes);
        if (isWhole)
        {
            CudaAsm.Emit(PromptAssembly.From4 + Add, values + 4 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From5 + Add, values + 5 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From6 + Add, values + 6 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From7 + Add, values + 7 * TileBytes);
        }
    }

    private static void TwoParts(int keys, int left, float scale, bool isWhole)
    {
        const string Score = PromptAssembly.ScoreTwoParts;
        const string Add = PromptAssembly.AddTwoParts;
        var values = keys + KeyBytes;
        CudaAsm.Emit(Score + PromptAssembly.To0, keys, left, scale);
        CudaAsm.Emit(Score + PromptAssembly.To1, keys + TileBytes, left - TileLength, scale);
        CudaAsm.Emit(Score + PromptAssembly.To2, keys + 2 * TileBytes, left - 2 * TileLength, scale);
        CudaAsm.Emit(Score + PromptAssembly.To3, keys + 3 * TileBytes, left - 3 * TileLength, scale);
        if (isWhole)
        {
            CudaAsm.Emit(Score + PromptAssembly.To4, keys + 4 * TileBytes, left - 4 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To5, keys + 5 * TileBytes, left - 5 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To6, keys + 6 * TileBytes, left - 6 * TileLength, scale);
            CudaAsm.Emit(Score + PromptAssembly.To7, keys + 7 * TileBytes, left - 7 * TileLength, scale);
        }

        CudaAsm.Emit(PromptAssembly.ShareMax);
        CudaAsm.Emit(PromptAssembly.From0 + Add, values);
        CudaAsm.Emit(PromptAssembly.From1 + Add, values + TileBytes);
        CudaAsm.Emit(PromptAssembly.From2 + Add, values + 2 * TileBytes);
        CudaAsm.Emit(PromptAssembly.From3 + Add, values + 3 * TileBytes);
        if (isWhole)
        {
            CudaAsm.Emit(PromptAssembly.From4 + Add, values + 4 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From5 + Add, values + 5 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From6 + Add, values + 6 * TileBytes);
            CudaAsm.Emit(PromptAssembly.From7 + Add, values + 7 * TileBytes);
        }
    }

    /// <summary>Where a lane stores its share of a chunk's weighted values; places are those of <see cref="ChunkQuad.FirstValue"/>.</summary>
    private static long Address(in AttentionPartials partials, long chunk, int load) =>
        partials.WeightedAddress + (chunk * (TParts.Count * HeadPart.Size / 4) + load) * SharedCopy.LoadBytes;

    private static void StoreEven(long address)
    {
        if (TParts.Count > 1)
        {
            CudaAsm.Emit(PromptAssembly.StoreEvenOfTwoParts, address);
        }
        else
        {
            CudaAsm.Emit(PromptAssembly.StoreEvenOfOnePart, address);
        }
    }

    private static void StoreOdd(long address)
    {
        if (TParts.Count > 1)
        {
            CudaAsm.Emit(PromptAssembly.StoreOddOfTwoParts, address);
        }
        else
        {
            CudaAsm.Emit(PromptAssembly.StoreOddOfOnePart, address);
        }
    }
}
