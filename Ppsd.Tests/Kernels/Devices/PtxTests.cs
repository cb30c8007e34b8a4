using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Every kernel compiles for the target card, on a machine without one.</summary>
public sealed class PtxTests
{
    private static IEnumerable<TestCaseData> Kernels()
    {
        yield return Kernel(typeof(EmbeddingKernel), nameof(EmbeddingKernel.BFloat16Table));
        yield return Kernel(typeof(EmbeddingKernel), nameof(EmbeddingKernel.Float32Table));
        yield return Kernel(typeof(RmsNormKernel), nameof(RmsNormKernel.Execute));
        yield return Kernel(typeof(MatMulKernel), nameof(MatMulKernel.BFloat16Weights));
        yield return Kernel(typeof(MatMulKernel), nameof(MatMulKernel.Float32Weights));
        yield return Kernel(typeof(SwiGluKernel), nameof(SwiGluKernel.Execute));
        foreach (var kv in ((Type, Type)[])[(typeof(ushort), typeof(BFloat16Kv)), (typeof(float), typeof(Float32Kv))])
        {
            yield return Kernel(typeof(RotaryKernel), nameof(RotaryKernel.Execute), kv.Item1, kv.Item2);
            foreach (var parts in (Type[])[typeof(OneHeadPart), typeof(TwoHeadParts)])
            {
                yield return Kernel(
                    typeof(SplitAttentionKernel),
                    nameof(SplitAttentionKernel.Execute),
                    kv.Item2,
                    parts
                );
            }
        }

        yield return Kernel(typeof(AttentionMergeKernel), nameof(AttentionMergeKernel.Execute), typeof(TwoHeadParts));
    }

    [TestCaseSource(nameof(Kernels))]
    public void A_kernel_compiles_for_the_target_card(MethodInfo kernel)
    {
        var ptx = Compile(kernel);

        Assert.That(ptx, Does.Contain(".entry").And.Contain("ld.global"));
    }

    /// <summary>Weights are read sixteen bytes at a time from global memory; anything narrower halves the bandwidth.</summary>
    [Test]
    public void The_product_loads_weights_sixteen_bytes_at_a_time() =>
        Assert.That(
            Compile(typeof(MatMulKernel).GetMethod(nameof(MatMulKernel.BFloat16Weights))!),
            Does.Contain("ld.global.v4.b32")
        );

    private static string Compile(MethodInfo kernel)
    {
        using var context = Context.Create(builder => IlgpuDevice.Configure(builder));
        using var backend = new PTXBackend(context, CudaArchitecture.SM_90, CudaInstructionSet.ISA_84, null!);
        var compiled = backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel), default);
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
