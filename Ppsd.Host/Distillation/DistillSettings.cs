using Ppsd.Actors.Planning;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Distillation;

/// <summary>Settings of <c>ppsd distill</c>.</summary>
internal sealed record DistillSettings
{
    /// <summary>Heads to train.</summary>
    public required IReadOnlyList<HeadSpec> Heads { get; init; }

    /// <summary>Most frequent tokens that heads draft; 0 for the whole vocabulary.</summary>
    public int DraftVocabulary { get; init; }

    /// <summary>Training data; null for a synthetic model's made-up tokens.</summary>
    public string? DataPath { get; init; }

    /// <summary>Texts to evaluate on; null to hold some of the data out.</summary>
    public string? EvaluationPath { get; init; }

    /// <summary>Texts held out, at most.</summary>
    public int HeldOut { get; init; }

    /// <summary>Where results go: the head's folder, or the parent of one for each head.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Answers the target writes itself before training.</summary>
    public int SelfWritten { get; init; }

    /// <summary>Answer tokens to learn from.</summary>
    public long Tokens { get; init; }

    /// <summary>Number of steps; null for as many as <see cref="Tokens"/> takes.</summary>
    public int? Steps { get; init; }

    /// <summary>Tokens of a step, prompts included.</summary>
    public int BatchTokens { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public int SequenceLength { get; init; }

    /// <summary>Highest learning rate.</summary>
    public double LearningRate { get; init; }

    /// <summary>Steps until the learning rate is highest; null for a twentieth of all, at most 100.</summary>
    public int? WarmupSteps { get; init; }

    /// <summary>AdamW's weight decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The loss.</summary>
    public DistillationLoss Loss { get; init; }

    /// <summary>How weights are initialised.</summary>
    public HeadStart Start { get; init; }

    /// <summary>Seed of all random choices.</summary>
    public int Seed { get; init; }

    /// <summary>Steps between two evaluations; 0 to evaluate only at the end.</summary>
    public int EvaluateEvery { get; init; }

    /// <summary>Steps between two saves.</summary>
    public int SaveEvery { get; init; }

    /// <summary>True to continue from the last save.</summary>
    public bool Resumes { get; init; }

    /// <summary>A device for each stage.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Layers of each stage.</summary>
    public required StagePlan Stages { get; init; }

    /// <summary>Most probable tokens of the model that heads learn from; 0 for its whole distribution.</summary>
    public int TeacherTokens { get; init; }

    /// <summary>Threads of each stage on the CPU.</summary>
    public int Threads { get; init; }

    /// <summary>Whether operations are timed.</summary>
    public bool Profiles { get; init; }

    /// <summary>Precision of the rotary frequencies.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }

    /// <summary>The command line, for the README.</summary>
    public required string Command { get; init; }

    /// <summary>What the trainer has to know.</summary>
    /// <param name="length">Longest sequence of the data.</param>
    public TrainerSettings TrainerOf(int length) =>
        new()
        {
            SequenceLength = length,
            BatchTokens = BatchTokens,
            Loss = Loss,
            TeacherTokens = TeacherTokens,
            Start = Start,
            Seed = Seed,
            WeightDecay = WeightDecay,
            RopeFrequencies = RopeFrequencies,
        };

    /// <summary>Folder of one head.</summary>
    public string FolderOf(HeadSpec head) => Heads.Count == 1 ? OutputFolder : Path.Combine(OutputFolder, head.Name);
}
