using System.Reflection;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;
using Ppsd.Tests.Kernels.Devices;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>Every kernel of training compiles for the target card, on a machine without one.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TrainingPtxTests
{
    private static readonly Type[] _kernels =
    [
        typeof(RowKernels),
        typeof(NormKernels),
        typeof(OptimizerKernels),
        typeof(LossKernel),
        typeof(TruncatedLossKernel),
        typeof(AdditionKernels),
        typeof(OperandPacking),
    ];

    private static IEnumerable<TestCaseData> Kernels()
    {
        var methods = _kernels
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(void))
            .Append(typeof(TrainingAttentionKernels).GetMethod(nameof(TrainingAttentionKernels.Forward))!)
            .Append(typeof(TopKernel).GetMethod(nameof(TopKernel.Execute))!)
            .Concat(
                typeof(AttentionGradientKernels).GetMethods(
                    BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly
                )
            )
            .Append(
                typeof(WideProductKernel)
                    .GetMethod(nameof(WideProductKernel.Execute))!
                    .MakeGenericMethod(typeof(SetResult))
            );
        return methods.Select(method =>
            new TestCaseData(method).SetArgDisplayNames($"{method.DeclaringType!.Name}.{method.Name}")
        );
    }

    [TestCaseSource(nameof(Kernels))]
    public void A_kernel_compiles_for_the_target_card(MethodInfo kernel)
    {
        var ptx = PtxTests.Compile(kernel);
        Assert.That(ptx, Does.Contain(".entry").And.Contain(".target sm_90").And.Contain("st.global"));

        // Sums by atomics would differ from run to run.
        Assert.That(ptx.Contains("atom.", StringComparison.Ordinal), Is.False);

        // Sums in memory instead of registers would make attention ten times slower. What assembly returns passes through
        // memory in ILGPU's text, which the driver's assembler removes: that is in the products and their packing.
        var hasAssembly =
            kernel.DeclaringType == typeof(WideProductKernel) || kernel.DeclaringType == typeof(OperandPacking);
        Assert.That(hasAssembly || !ptx.Contains(".local", StringComparison.Ordinal));
    }

    [Test]
    public void Attention_reads_shared_memory_four_values_at_a_time()
    {
        foreach (
            var name in (string[])
                [nameof(AttentionGradientKernels.Queries), nameof(AttentionGradientKernels.KeysValues)]
        )
        {
            var text = PtxTests.Compile(typeof(AttentionGradientKernels).GetMethod(name)!);
            Assert.That(text.Contains("ld.shared.v4", StringComparison.Ordinal), name);
        }

        var forward = PtxTests.Compile(
            typeof(TrainingAttentionKernels).GetMethod(nameof(TrainingAttentionKernels.Forward))!
        );
        Assert.That(forward.Contains("ld.shared.v4", StringComparison.Ordinal));
    }
}
