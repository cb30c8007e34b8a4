using Ppsd.Host.Runtime;

namespace Ppsd.Tests.Host.Startup;

/// <summary>Whether stages of one process share a card.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SharedCardTests
{
    [TestCase("cuda:0", 1, ExpectedResult = false)]
    [TestCase("cuda:0", 2, ExpectedResult = true)]
    [TestCase("cuda:0,cuda:1", 2, ExpectedResult = false)]
    [TestCase("cuda:0,cuda:1", 3, ExpectedResult = true)]
    [TestCase("cpu", 4, ExpectedResult = false)]
    [TestCase("cuda:0,cpu", 2, ExpectedResult = false)]
    public bool Shares(string devices, int stages) =>
        new StageSettings { Devices = devices.Split(','), Threads = 1 }.SharesCards(stages);
}
