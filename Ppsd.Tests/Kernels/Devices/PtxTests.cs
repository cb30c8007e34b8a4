using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Draws;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;
using Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Every kernel compiles for the target card, on a machine without one.</summary>
public sealed class PtxTests
{
    private static readonly Type[] _forms =
    [
        typeof(DeepQuadRing),
        typeof(DeepPairRing),
        typeof(WideQuadRing),
        typeof(WidePairRing),
        typeof(MiddleQuadRing),
        typeof(MiddlePairRing),
        typeof(SmallQuadRing),
        typeof(SmallPairRing),
    ];

    private static IEnumerable<TestCaseData> Kernels()
    {
        yield return Kernel(typeof(EmbeddingKernel), nameof(EmbeddingKernel.TiledTable));
        yield return Kernel(typeof(EmbeddingKernel), nameof(EmbeddingKernel.Float32Table));
        yield return Kernel(typeof(JoinKernel), nameof(JoinKernel.TiledTable));
        yield return Kernel(typeof(JoinKernel), nameof(JoinKernel.Float32Table));
        yield return Kernel(typeof(StoreKernel), nameof(StoreKernel.Execute));
        yield return Kernel(typeof(NormKernel), nameof(NormKernel.Execute));
        yield return Kernel(typeof(CopyKernel), nameof(CopyKernel.Execute));
        yield return Kernel(typeof(FilterKernel), nameof(FilterKernel.Execute));
        yield return Kernel(typeof(DrawKernel), nameof(DrawKernel.Execute));
        yield return Kernel(typeof(SpreadKernel), nameof(SpreadKernel.Execute));
        foreach (var form in _forms)
        {
            yield return Kernel(typeof(ProductKernels), nameof(ProductKernels.Project), form);
            yield return Kernel(typeof(ProductKernels), nameof(ProductKernels.ProjectGated), form);
            yield return Kernel(typeof(ProductKernels), nameof(ProductKernels.AddToResidual), form);
        }

        yield return Kernel(typeof(MatMulKernel), nameof(MatMulKernel.Float32Weights));
        yield return Kernel(typeof(SwiGluKernel), nameof(SwiGluKernel.Execute));
        yield return Kernel(typeof(PackKernel), nameof(PackKernel.FromRows));
        yield return Kernel(typeof(PackKernel), nameof(PackKernel.FromGenerator));
        foreach (var kv in (Type[])[typeof(BFloat16Kv), typeof(Float32Kv)])
        {
            yield return Kernel(typeof(KvAppendKernel), nameof(KvAppendKernel.Execute), kv);
            foreach (var parts in (Type[])[typeof(OneHeadPart), typeof(TwoHeadParts)])
            {
                yield return Kernel(typeof(SplitAttentionKernel), nameof(SplitAttentionKernel.Execute), kv, parts);
            }
        }

        foreach (var parts in (Type[])[typeof(OneHeadPart), typeof(TwoHeadParts)])
        {
            yield return Kernel(typeof(PromptAttentionKernel), nameof(PromptAttentionKernel.Execute), parts);
            yield return Kernel(typeof(PromptMergeKernel), nameof(PromptMergeKernel.Execute), parts);
        }

        foreach (var form in (Type[])[typeof(Rows32), typeof(Rows64), typeof(Rows128)])
        {
            foreach (var result in (Type[])[typeof(ScaledResult), typeof(AddedResult), typeof(GatedResult)])
            {
                yield return Kernel(
                    typeof(WarpgroupProductKernel),
                    nameof(WarpgroupProductKernel.Execute),
                    form,
                    result
                );
            }
        }

        yield return Kernel(typeof(CoreRowsKernel), nameof(CoreRowsKernel.Execute));
        yield return Kernel(typeof(RowPackKernel), nameof(RowPackKernel.Execute));
        foreach (var result in (Type[])[typeof(ScaledResult), typeof(AddedResult), typeof(GatedResult)])
        {
            yield return Kernel(typeof(WideProductKernel), nameof(WideProductKernel.Execute), result);
            yield return Kernel(
                typeof(MiddleProductKernel),
                nameof(MiddleProductKernel.Execute),
                typeof(DeepMiddle),
                result
            );
            yield return Kernel(
                typeof(MiddleProductKernel),
                nameof(MiddleProductKernel.Execute),
                typeof(ShallowMiddle),
                result
            );
        }
    }

    [TestCaseSource(nameof(Kernels))]
    public void A_kernel_compiles_for_the_target_card(MethodInfo kernel)
    {
        var ptx = Compile(kernel);

        // In a captured step a kernel that does not wait races with the one before it.
        var isOfAStep = kernel.DeclaringType != typeof(PackKernel);
        Assert.That(ptx.Contains("griddepcontrol.wait", StringComparison.Ordinal), Is.EqualTo(isOfAStep));

        // A stage compiles all its kernels when it starts; a megabyte of text takes seconds.
        Assert.That(ptx, Has.Length.LessThan(800_000));
        Assert.That(ptx, Does.Contain(".entry").And.Contain(".target sm_90").And.Contain("st.global"));
    }

    /// <summary>
    /// Registers with names of their own must be declared ahead of their use in the text, and no operand of a tensor core
    /// may pass through memory.
    /// </summary>
    [Test]
    public void The_wide_product_keeps_its_sums_in_declared_registers()
    {
        var ptx = Compile(
            typeof(WideProductKernel)
                .GetMethod(nameof(WideProductKernel.Execute))!
                .MakeGenericMethod(typeof(ScaledResult))
        );

        var declared = ptx.IndexOf(".reg .f32 tc<64>", StringComparison.Ordinal);
        Assert.That(declared, Is.GreaterThan(0).And.LessThan(ptx.IndexOf("{tc0,", StringComparison.Ordinal)));

        // Two tiles a stage, sixteen blocks of sums, both parts of x.
        Assert.That(ptx.Split("mma.sync").Length - 1, Is.EqualTo(2 * 16 * 2));
        Assert.That(ptx, Does.Contain("cp.async.cg.shared.global").And.Contain("ld.shared.v4.b32"));
    }

    /// <summary>
    /// Weights and x go to shared memory sixteen bytes at a time and take no register on the way; what is multiplied comes
    /// from there. Anything else halves the bandwidth.
    /// </summary>
    [TestCase(nameof(ProductKernels.Project), typeof(DeepQuadRing), 11)]
    [TestCase(nameof(ProductKernels.ProjectGated), typeof(DeepPairRing), 11)]
    [TestCase(nameof(ProductKernels.AddToResidual), typeof(WidePairRing), 7)]
    public void A_product_copies_its_weights_ahead_and_multiplies_on_tensor_cores(
        string kernel,
        Type form,
        int inFlight
    )
    {
        var ptx = Compile(typeof(ProductKernels).GetMethod(kernel)!.MakeGenericMethod(form));

        // A loop each for what comes next: a whole unit, a part of one, nothing. In each two row blocks by two tiles, or four
        // by one, are multiplied by the high and the low part of x.
        const int Loops = 3;
        var loads = form == typeof(DeepQuadRing) ? 5 : 6;
        Assert.That(ptx.Split("mma.sync.aligned.m16n8k16").Length - 1, Is.EqualTo(Loops * 8));
        Assert.That(ptx.Split("ld.shared.v4.b32 {p").Length - 1, Is.EqualTo(Loops * loads));
        Assert.That(ptx, Does.Contain($"cp.async.wait_group {inFlight};"));
        Assert.That(ptx, Does.Contain("griddepcontrol.launch_dependents").And.Contain("griddepcontrol.wait"));
        Assert.That(ptx, Does.Contain("cp.async.cg.shared.global").And.Not.Contain("cp.async.ca"));

        // What a kernel declares lies in front of the ring, which must begin on a line of 128 bytes.
        Assert.That(ptx, Does.Not.Match(@"(?<!\.extern )\.shared \.align"));
    }

    /// <summary>
    /// The target has a name of its own; sums are declared ahead of their use and only the tensor cores write them; who
    /// multiplies waits for stages alone, and the only barriers of all threads are those of the beginning.
    /// </summary>
    [TestCase(typeof(Rows32), 32)]
    [TestCase(typeof(Rows64), 64)]
    [TestCase(typeof(Rows128), 128)]
    public void A_warpgroups_product_multiplies_both_parts_of_two_tiles_at_once(Type form, int rows)
    {
        var ptx = Compile(
            typeof(WarpgroupProductKernel)
                .GetMethod(nameof(WarpgroupProductKernel.Execute))!
                .MakeGenericMethod(form, typeof(AddedResult))
        );

        Assert.That(ptx, Does.Match(@"\.target sm_90a\s"));
        var declared = ptx.IndexOf($".reg .f32 gc<{rows / 2}>", StringComparison.Ordinal);
        Assert.That(declared, Is.GreaterThan(0).And.LessThan(ptx.IndexOf("{gc0,", StringComparison.Ordinal)));

        // Two sets of registers for weights; each stage two tiles by both parts of x.
        Assert.That(ptx.Split($"wgmma.mma_async.sync.aligned.m64n{rows}k16").Length - 1, Is.EqualTo(2 * 2 * 2));
        Assert.That(ptx, Does.Contain("wgmma.wait_group.sync.aligned 1;").And.Contain("cp.async.bulk.shared::cluster"));
        Assert.That(ptx, Does.Contain("mbarrier.try_wait.parity").And.Contain("mbarrier.arrive.expect_tx"));
        Assert.That(ptx, Does.Not.Contain("cp.async.wait_group").And.Not.Contain("fence.proxy.async"));
        Assert.That(ptx, Does.Not.Match(@"(?<!\.extern )\.shared \.align"));
    }

    /// <summary>Keys and values as well; and the groups of a tile must see what the others wrote.</summary>
    [Test]
    public void Attention_copies_its_keys_ahead_and_counts_its_groups()
    {
        var ptx = Compile(
            typeof(SplitAttentionKernel)
                .GetMethod(nameof(SplitAttentionKernel.Execute))!
                .MakeGenericMethod(typeof(BFloat16Kv), typeof(TwoHeadParts))
        );

        // Two parts of a head by eight scores' products, then by eight values'.
        Assert.That(ptx.Split("mma.sync.aligned.m16n8k16").Length - 1, Is.EqualTo(32));
        Assert.That(ptx, Does.Contain("cp.async.cg.shared.global").And.Contain("cp.async.wait_group 2"));
        Assert.That(ptx, Does.Contain("atom.acq_rel.gpu.global.inc.u32").And.Contain("griddepcontrol.wait"));
        Assert.That(ptx, Does.Not.Match(@"(?<!\.extern )\.shared \.align"));
    }

    [Test]
    public void A_kernel_that_a_second_accelerator_loads_keeps_its_target()
    {
        using var context = Context.Create(builder => IlgpuDevice.Configure(builder));
        using var backend = new PTXBackend(context, CudaArchitecture.SM_90, CudaInstructionSet.ISA_84, null!);
        IlgpuDevice.TargetHopper(backend.Capabilities);
        var kernel = typeof(WarpgroupProductKernel)
            .GetMethod(nameof(WarpgroupProductKernel.Execute))!
            .MakeGenericMethod(typeof(Rows32), typeof(ScaledResult));
        var compiled = backend.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(kernel),
            WarpgroupProductKernel.Specialization
        );

        var once = ((PTXCompiledKernel)WarpgroupTarget.Set(compiled)).PTXAssembly;
        var twice = ((PTXCompiledKernel)WarpgroupTarget.Set(compiled)).PTXAssembly;

        Assert.That(once, Does.Match(@"\.target sm_90a\r?\n"));
        Assert.That(twice, Is.EqualTo(once));
    }

    /// <summary>ILGPU can mix up structures of different kernels that have as many fields.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public void Kernels_of_one_context_compile_in_any_order(bool productsFirst)
    {
        using var context = Context.Create(builder => IlgpuDevice.Configure(builder));
        using var backend = new PTXBackend(context, CudaArchitecture.SM_90, CudaInstructionSet.ISA_84, null!);
        IlgpuDevice.TargetHopper(backend.Capabilities);
        var product = typeof(WarpgroupProductKernel)
            .GetMethod(nameof(WarpgroupProductKernel.Execute))!
            .MakeGenericMethod(typeof(Rows32), typeof(ScaledResult));
        var attention = typeof(SplitAttentionKernel)
            .GetMethod(nameof(SplitAttentionKernel.Execute))!
            .MakeGenericMethod(typeof(BFloat16Kv), typeof(TwoHeadParts));
        var prompts = typeof(PromptAttentionKernel)
            .GetMethod(nameof(PromptAttentionKernel.Execute))!
            .MakeGenericMethod(typeof(TwoHeadParts));
        MethodInfo[] kernels = [product, attention, prompts];

        foreach (var kernel in productsFirst ? kernels : kernels.Reverse())
        {
            var compiled = backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
            Assert.That(((PTXCompiledKernel)compiled).PTXAssembly, Is.Not.Empty);
        }
    }

    /// <summary>
    /// A chunk is one stretch of text for its eight tiles, from shared memory to the stores, and nothing of it passes through
    /// local memory.
    /// </summary>
    [TestCase(typeof(OneHeadPart), 1)]
    [TestCase(typeof(TwoHeadParts), 2)]
    public void Attention_for_prompts_keeps_a_chunk_in_registers(Type parts, int count)
    {
        var ptx = Compile(
            typeof(PromptAttentionKernel).GetMethod(nameof(PromptAttentionKernel.Execute))!.MakeGenericMethod(parts)
        );

        // Eight tiles, of each part of a head eight scores' products and eight values'.
        Assert.That(ptx.Split("mma.sync.aligned.m16n8k16").Length - 1, Is.EqualTo(count * 8 * 16));
        var first = ptx.IndexOf("mma.sync", StringComparison.Ordinal);
        var last = ptx.LastIndexOf("mma.sync", StringComparison.Ordinal);
        Assert.That(ptx[first..last], Does.Not.Contain(".local"));
        Assert.That(ptx, Does.Contain("cp.async.cg.shared.global").And.Contain("cp.async.wait_all"));
        Assert.That(ptx, Does.Not.Match(@"(?<!\.extern )\.shared \.align"));
        var declared = ptx.IndexOf(".reg .b32 qa<16>", StringComparison.Ordinal);
        Assert.That(declared, Is.GreaterThan(0).And.LessThan(ptx.IndexOf("{qa0,", StringComparison.Ordinal)));
    }

    /// <summary>A kernel's text for the target card.</summary>
    internal static string Compile(MethodInfo kernel)
    {
        using var context = Context.Create(builder => IlgpuDevice.Configure(builder));
        using var backend = new PTXBackend(context, CudaArchitecture.SM_90, CudaInstructionSet.ISA_84, null!);
        IlgpuDevice.TargetHopper(backend.Capabilities);
        var description = EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
        var compiled =
            kernel.DeclaringType == typeof(WarpgroupProductKernel)
                ? WarpgroupTarget.Set(backend.Compile(description, WarpgroupProductKernel.Specialization))
                : backend.Compile(description, default);
        return ((PTXCompiledKernel)compiled).PTXAssembly;
    }

    private static TestCaseData Kernel(Type type, string method, params Type[] elements)
    {
        var kernel = type.GetMethod(method)!;
        return new TestCaseData(elements.Length == 0 ? kernel : kernel.MakeGenericMethod(elements)).SetArgDisplayNames(
            $"{type.Name}.{method} {string.Join(' ', elements.Select(element => element.Name))}".Trim()
        );
    }
}
