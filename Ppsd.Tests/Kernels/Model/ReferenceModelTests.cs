using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Reference;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The reference of families without golden results gives transformers' numbers where there are some.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ReferenceModelTests
{
    [TestCase(TestModels.Tiny)]
    [TestCase(TestModels.Qwen2)]
    [TestCase(TestModels.Qwen3)]
    [TestCase(TestModels.Mistral)]
    [TestCase(TestModels.Bias)]
    public void It_is_transformers(string name)
    {
        var model = new ReferenceModel(TestModels.Folder(name));
        var golden = Golden.Read(name)[2];
        var states = golden.InputIds.Select(model.Feed).ToArray()[^golden.Logits.Length..];
        foreach (var (state, logits) in states.Zip(golden.Logits))
        {
            float[] ours = [.. model.Logits(state[^1]).Select(value => (float)value)];
            Assert.That(Numbers.RelativeError(ours, logits), Is.LessThan(2e-5));
        }
    }
}
