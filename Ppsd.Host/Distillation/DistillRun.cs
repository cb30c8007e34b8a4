using Ppsd.Host.Models;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Evaluation;
using Ppsd.Kernels.Distillation.Saving;
using Ppsd.Kernels.Distillation.Teacher;
using Ppsd.Kernels.Weights;

namespace Ppsd.Host.Distillation;

/// <summary>A run of <c>ppsd distill</c>: data, texts of the target, steps, saves, evaluation and the heads' folders.</summary>
internal sealed class DistillRun(ModelAssets assets, DistillSettings settings, TimeProvider clock)
{
    private const int DefaultWarmupSteps = 100;
    private const int WarmupShare = 20;

    private readonly DistillView _view = new(clock);
    private HeadLog[] _logs = [];
    private readonly OutputFolder _output = new(settings);
    private FrequentTokens? _frequent;

    /// <summary>True where a picture could not be written: the heads and their figures are there all the same.</summary>
    public bool LacksPicture { get; private set; }

    /// <summary>Lines that say where the time went; none unless that was asked for and steps were done.</summary>
    public IReadOnlyList<string> Profile { get; private set; } = [];

    /// <summary>Runs to the end.</summary>
    /// <returns>The figures of each head; empty for a synthetic model.</returns>
    /// <exception cref="UserErrorException">The input cannot be used, or training failed.</exception>
    /// <exception cref="IOException">A result cannot be written; one line.</exception>
    /// <exception cref="OperationCanceledException">Interrupted; the steps so far are saved.</exception>
    public IReadOnlyList<HeadFigures> Run(CancellationToken cancellation)
    {
        _output.Require();
        var data = DistillData.Load(settings, assets);
        MemoryCheck.Require(settings, assets.Config, data.Length);
        if (data.LacksFigures is { } reason)
        {
            DistillView.Note(reason);
        }

        var lengths = new BatchPlan(data.Training, settings.BatchTokens, settings.Seed);
        var record = RunRecord.Of(settings, assets, settings.Steps ?? -1, data.Length);
        record["--tokens"] = FormattableString.Invariant($"{settings.Tokens}");
        if (settings.Resumes)
        {
            RunRecord.RequireSame(_output.Record, record);
        }
        else
        {
            OutputFolder.Write(
                _output.Record,
                () =>
                {
                    Directory.CreateDirectory(settings.OutputFolder);
                    RunRecord.Write(_output.Record, record);
                }
            );
        }

        var (written, evaluation) = WriteTexts(data, cancellation);
        var sequences = data
            .Training.Concat(
                written.Select(text => text.Sequence.Truncate(data.Length)).Where(text => text.AnswerTokens > 0)
            )
            .ToArray();
        CountTokens(sequences);
        var plan = written.Count == 0 ? lengths : new BatchPlan(sequences, settings.BatchTokens, settings.Seed);
        var steps = settings.Steps ?? plan.StepsFor(settings.Tokens);
        using var places = TrainingPlaces.Open(settings, clock);
        using var trainer = CreateTrainer(places, data.Length);
        _logs = [.. settings.Heads.Select(head => OpenLog(settings.FolderOf(head)))];
        if (settings.Resumes && File.Exists(_output.State))
        {
            TrainerState.Read(_output.State, trainer);
        }

        foreach (var log in _logs)
        {
            log.Restore(trainer.Step);
        }

        _view.Run(() => Train(trainer, plan, steps, evaluation, cancellation));
        Profile = settings.Profiles ? [.. places.Profile(assets.Config, trainer.MaxPassRows, clock)] : [];
        return Finish(trainer, steps, evaluation, Description(data, written), cancellation);
    }

    private (IReadOnlyList<WrittenText> Training, IReadOnlyList<EvaluationText> Evaluation) WriteTexts(
        DistillData data,
        CancellationToken cancellation
    )
    {
        var target = new TargetTexts(assets, settings with { SequenceLength = data.Length }, _view);
        IReadOnlyList<WrittenText> written = [];
        IReadOnlyList<WrittenText> evaluation = [];
        _view.Run(() =>
        {
            if (settings.SelfWritten > 0)
            {
                written = target.Ensure(
                    "training data",
                    _output.SelfWritten,
                    data.Prompts,
                    settings.SelfWritten,
                    cancellation
                );
            }

            if (data.EvaluationPrompts.Count > 0)
            {
                evaluation = target.Ensure(
                    "evaluation texts",
                    _output.Evaluation,
                    data.EvaluationPrompts,
                    2 * data.EvaluationPrompts.Count,
                    cancellation
                );
            }
        });
        return (written, [.. evaluation.Select(text => new EvaluationText(text.Sequence, text.Sampling))]);
    }

    private void CountTokens(TrainingSequence[] sequences)
    {
        if (settings.DraftVocabulary > 0)
        {
            var vocabSize = assets.Config.VocabSize;
            _frequent = FrequentTokens.Of(sequences, vocabSize, settings.DraftVocabulary, assets.EndTokenIds);
            DistillView.Note($"draft vocabulary: {_frequent.Describe(vocabSize)}");
        }
    }

    private HeadTrainer CreateTrainer(TrainingPlaces places, int length)
    {
        using WeightSource source = assets.Synthetic is { } synthetic
            ? new SyntheticWeightSource(synthetic.Weights)
            : new CheckpointWeightSource(assets.Folder);
        try
        {
            return new HeadTrainer(places.All, source, assets.Config, settings.Heads, settings.TrainerOf(length));
        }
        catch (DeviceException e)
        {
            throw new DeviceException(
                $"{e.Message}; fewer heads at a time (--head, --exit-layer) and a shorter --sequence-length take less",
                e
            );
        }
    }

    private static HeadLog OpenLog(string folder)
    {
        OutputFolder.Write(folder, () => Directory.CreateDirectory(folder));
        return new HeadLog(Path.Combine(folder, "training.jsonl"));
    }

    private void Train(
        HeadTrainer trainer,
        BatchPlan plan,
        int steps,
        IReadOnlyList<EvaluationText> evaluation,
        CancellationToken cancellation
    )
    {
        var warmup = settings.WarmupSteps ?? Math.Min(DefaultWarmupSteps, steps / WarmupShare);
        var schedule = new LearningRateSchedule(settings.LearningRate, warmup, steps);
        var first = trainer.Step;
        var started = clock.GetTimestamp();
        foreach (var batch in plan.Batches().Skip(first))
        {
            if (trainer.Step >= steps)
            {
                break;
            }

            if (cancellation.IsCancellationRequested)
            {
                Save(trainer);
                NoteSaved(trainer, steps);
                cancellation.ThrowIfCancellationRequested();
            }

            var step = trainer.Step + 1;
            var rate = schedule.At(step);
            var begun = clock.GetTimestamp();
            var sums = trainer.Learn(batch, rate);
            RequireFinite(trainer, sums, step);
            var speed = batch.Sum(sequence => sequence.Length) / clock.GetElapsedTime(begun).TotalSeconds;
            IReadOnlyList<HeadFigures>? figures = null;
            if (settings.EvaluateEvery > 0 && step % settings.EvaluateEvery == 0 && evaluation.Count > 0)
            {
                try
                {
                    figures = Evaluate(trainer, evaluation, cancellation);
                }
                catch (OperationCanceledException)
                {
                    // The step is done: it is logged and saved as any other, but for its figures.
                    Log(trainer, sums, rate, speed, figures: null);
                    Save(trainer);
                    NoteSaved(trainer, steps);
                    throw;
                }
            }

            Log(trainer, sums, rate, speed, figures);
            var left = clock.GetElapsedTime(started) / (step - first) * (steps - step);
            _view.ReportStep(new DistillProgress(step, steps, speed, sums[0][0].MeanLoss, sums[0][0].Acceptance, left));
            if (step % settings.SaveEvery == 0 && step < steps)
            {
                Save(trainer);
            }
        }
    }

    private void RequireFinite(HeadTrainer trainer, IReadOnlyList<LossSums[]> sums, int step)
    {
        for (var i = 0; i < sums.Count; i++)
        {
            if (!sums[i].All(one => double.IsFinite(one.Loss)))
            {
                throw new UserErrorException(
                    $"the loss of {settings.Heads[i].Name} is {sums[i].Sum(one => one.Loss)} at step {step}: training stopped, {LastSave(trainer)}; a lower --learning-rate (now {settings.LearningRate:R}) may help"
                );
            }
        }
    }

    private string LastSave(HeadTrainer trainer) =>
        File.Exists(_output.State)
            ? $"the last save before it is in {settings.OutputFolder}"
            : $"nothing was saved in its {trainer.Step} steps (see --save-every)";

    private void Log(
        HeadTrainer trainer,
        IReadOnlyList<LossSums[]> sums,
        double rate,
        double speed,
        IReadOnlyList<HeadFigures>? figures
    )
    {
        for (var i = 0; i < _logs.Length; i++)
        {
            _logs[i]
                .Add(
                    new HeadLogLine
                    {
                        Step = trainer.Step,
                        AnswerTokens = trainer.AnswerTokens,
                        LearningRate = rate,
                        Loss = sums[i][0].MeanLoss,
                        Acceptance = sums[i][0].Acceptance,
                        Overlap = sums[i][0].MeanOverlap,
                        ChainAcceptance = sums[i].Length > 1 ? [.. sums[i].Select(one => one.Acceptance)] : null,
                        TokensPerSecond = Math.Round(speed, 1),
                        EvaluatedGreedy = figures?[i].Greedy[0].Acceptance,
                        EvaluatedSampled = figures?[i].Sampled[0].Acceptance,
                    }
                );
        }
    }

    private void Save(HeadTrainer trainer)
    {
        OutputFolder.Write(_output.State, () => TrainerState.Write(_output.State, trainer));
        foreach (var head in trainer.Heads)
        {
            var folder = settings.FolderOf(head.Spec);
            OutputFolder.Write(folder, () => HeadFolder.Write(folder, head, Verifier(), _frequent?.List));
        }
    }

    private void NoteSaved(HeadTrainer trainer, int steps) =>
        DistillView.Note(
            $"saved step {trainer.Step} of {steps} in {settings.OutputFolder}; --resume continues from there"
        );

    private IReadOnlyList<HeadFigures> Finish(
        HeadTrainer trainer,
        int steps,
        IReadOnlyList<EvaluationText> evaluation,
        string data,
        CancellationToken cancellation
    )
    {
        Save(trainer);
        foreach (var head in trainer.Heads)
        {
            // The saved weights are evaluated, which are rounded to bf16.
            HeadFolder.Round(head);
        }

        IReadOnlyList<HeadFigures>? figures = null;
        try
        {
            figures = evaluation.Count > 0 ? Evaluate(trainer, evaluation, cancellation) : null;
        }
        catch (OperationCanceledException)
        {
            NoteSaved(trainer, steps);
            throw;
        }

        for (var i = 0; i < settings.Heads.Count; i++)
        {
            var folder = settings.FolderOf(settings.Heads[i]);
            var text = HeadReport.Readme(
                settings,
                figures?[i],
                assets.Name,
                _logs[i],
                data,
                _frequent?.Describe(assets.Config.VocabSize)
            );
            var readme = Path.Combine(folder, "README.md");
            OutputFolder.Write(readme, text);
            Picture(i, Path.Combine(folder, "training.png"));
        }

        return figures ?? [];
    }

    /// <summary>Draws the training curve. Where no picture can be drawn, the head and its figures are still written.</summary>
    private void Picture(int head, string path)
    {
        if (_logs[head].Lines.Count == 0)
        {
            return;
        }

        try
        {
            HeadReport.Plot($"{settings.Heads[head].Name} of {assets.Name}", _logs[head]).Save(path);
        }
        catch (UserErrorException e)
        {
            DistillView.Note(e.Message);
        }
        catch (IOException e)
        {
            DistillView.Note(e.Message);
            LacksPicture = true;
        }
    }

    private IReadOnlyList<HeadFigures> Evaluate(
        HeadTrainer trainer,
        IReadOnlyList<EvaluationText> texts,
        CancellationToken cancellation
    )
    {
        var evaluation = new HeadEvaluation(trainer, _frequent?.List);
        var greedy = evaluation.Run([.. texts.Where(text => text.Sampling.Temperature == 0)], cancellation);
        var sampled = evaluation.Run([.. texts.Where(text => text.Sampling.Temperature > 0)], cancellation);
        return [.. settings.Heads.Select((head, i) => new HeadFigures(head, greedy[i], sampled[i]))];
    }

    private ExitHeadVerifier Verifier() =>
        new(assets.Name, assets.Config.LayerCount, assets.Config.HiddenSize, assets.Fingerprint);

    private static string Description(DistillData data, IReadOnlyList<WrittenText> written) =>
        written.Count == 0
            ? data.Description
            : FormattableString.Invariant(
                $"{data.Description}; {written.Count:N0} texts the model wrote itself, {written.Sum(text => (long)text.Answer.Length):N0} answer tokens"
            );
}
