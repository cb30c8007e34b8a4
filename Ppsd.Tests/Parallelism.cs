// Fixtures run beside one another unless they say [NonParallelizable] and why: they set what belongs to the process, or expect that
// nobody else uses what they share. Six at a time on the two cores of the machine that CI has: a test of a cluster mostly
// waits for other nodes, and would otherwise leave the cores idle.
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: LevelOfParallelism(6)]
