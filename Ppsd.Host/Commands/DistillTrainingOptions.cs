using System.CommandLine;
using Ppsd.Host.Distillation;
using Ppsd.Host.Models;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how heads are trained.</summary>
internal sealed class DistillTrainingOptions : IOptionGroup
{
    private const long DefaultTokens = 1_000_000;
    private const int DefaultBatchTokens = 3072;
    private const int DefaultSaveEvery = 500;

    /// <summary>What suits a model of width 256; wider ones take steps smaller in proportion.</summary>
    private const double LearningRateTimesWidth = 2e-3 * 256;

    private const double HighestLearningRate = 2e-3;

    private readonly Option<long?> _tokens = OptionFactory.Number(
        "--tokens",
        "N",
        "Answer tokens to learn from, texts taken again as often as needed; 1,000,000 by default.",
        1L,
        1L << 48
    );

    private readonly Option<int?> _steps = OptionFactory.Number(
        "--steps",
        "N",
        "Steps to do, instead of --tokens.",
        1,
        1 << 24
    );

    private readonly Option<int?> _batchTokens = OptionFactory.Number(
        "--batch-tokens",
        "N",
        "Tokens of a step, prompts included; 3072 by default.",
        1,
        1 << 24
    );

    private readonly Option<double?> _learningRate = OptionFactory.Number(
        "--learning-rate",
        "R",
        "Highest learning rate; by default 0.512 over the model's width, at most 0.002.",
        0.0,
        10.0
    );

    private readonly Option<int?> _warmup = OptionFactory.Number(
        "--warmup",
        "N",
        "Steps until the learning rate is highest; a twentieth of all by default, at most 100.",
        0,
        1 << 24
    );

    private readonly Option<double?> _decay = OptionFactory.Number(
        "--weight-decay",
        "R",
        "AdamW's decay of matrices; 0 by default.",
        0.0,
        10.0
    );

    private readonly Option<string?> _loss = OptionFactory.Choice(
        "--loss",
        "hybrid, by default: KL turning to total variation, and cross-entropy with the model's best token; kl+ce: KL and cross-entropy with the text.",
        "hybrid",
        "kl+ce"
    );

    private readonly Option<string?> _start = OptionFactory.Choice(
        "--start",
        "Where weights start: as the model's layers after the exit, by default, as its last layers, or random.",
        "next-layer",
        "last-layer",
        "random"
    );

    private readonly Option<int?> _seed = OptionFactory.Number(
        "--seed",
        "N",
        "Key of the data's order and of everything drawn; 0 by default.",
        0,
        int.MaxValue
    );

    private readonly Option<int?> _evaluateEvery = OptionFactory.Number(
        "--eval-every",
        "N",
        "Measures heads every N steps; by default only at the end.",
        1,
        1 << 24
    );

    private readonly Option<int?> _saveEvery = OptionFactory.Number(
        "--save-every",
        "N",
        "Saves every N steps; 500 by default.",
        1,
        1 << 24
    );

    private readonly Option<bool> _resume = OptionFactory.Switch(
        "--resume",
        "Goes on from the last save in --out, to the same bits as without an interruption."
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        foreach (
            var option in (Option[])
                [
                    _tokens,
                    _steps,
                    _batchTokens,
                    _learningRate,
                    _warmup,
                    _decay,
                    _loss,
                    _start,
                    _seed,
                    _evaluateEvery,
                    _saveEvery,
                    _resume,
                ]
        )
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Settings with these options.</summary>
    /// <exception cref="UserErrorException">They contradict each other.</exception>
    public DistillSettings Apply(ParseResult parsed, DistillSettings settings, ModelAssets assets)
    {
        if (parsed.GetValue(_steps) is not null && parsed.GetValue(_tokens) is not null)
        {
            throw new UserErrorException("expected --tokens or --steps, found both");
        }

        return settings with
        {
            Tokens = parsed.GetValue(_tokens) ?? DefaultTokens,
            Steps = parsed.GetValue(_steps),
            BatchTokens = parsed.GetValue(_batchTokens) ?? DefaultBatchTokens,
            LearningRate =
                parsed.GetValue(_learningRate)
                ?? Math.Min(HighestLearningRate, LearningRateTimesWidth / assets.Config.HiddenSize),
            WarmupSteps = parsed.GetValue(_warmup),
            WeightDecay = parsed.GetValue(_decay) ?? 0,
            Loss = parsed.GetValue(_loss) == "kl+ce" ? DistillationLoss.KlCrossEntropy : DistillationLoss.Hybrid,
            Start = parsed.GetValue(_start) switch
            {
                "last-layer" => HeadStart.LastLayer,
                "random" => HeadStart.Random,
                _ => HeadStart.NextLayer,
            },
            Seed = parsed.GetValue(_seed) ?? 0,
            EvaluateEvery = parsed.GetValue(_evaluateEvery) ?? 0,
            SaveEvery = parsed.GetValue(_saveEvery) ?? DefaultSaveEvery,
            Resumes = parsed.GetValue(_resume),
        };
    }
}
