// Twice the two cores of the machine that CI has: a test of a cluster mostly waits for other nodes, and the first minutes of a run
// would otherwise leave the cores idle.
[assembly: LevelOfParallelism(4)]
