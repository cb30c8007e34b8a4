using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>
/// Finds how much the layers after the exit head of a synthetic model must add for the head to agree with the target at
/// a wanted rate. The rate is measured, not modelled: texts are generated from keyed prompts, and at each position the
/// head's token is compared with the target's. Deterministic on a given device.
/// </summary>
/// <param name="model">The model; its scale is what is sought.</param>
/// <param name="settings">Where to compute.</param>
/// <param name="sampling">How tokens are drawn; the rate depends on it.</param>
internal sealed class SyntheticCalibration(SyntheticModel model, StageSettings settings, SamplingParameters sampling)
{
    private const int Texts = 8;
    private const int PromptLength = 16;
    private const int TextLength = 128;
    private const int MostSteps = 14;

    /// <summary>Closer than this the noise of a thousand positions hides the rest.</summary>
    private const double Tolerance = 0.004;

    /// <summary>Layers that add a hundred times their usual share leave nothing of what the head saw.</summary>
    private const float LargestScale = 128;

    /// <summary>Calibrates.</summary>
    /// <param name="alpha">The wanted rate.</param>
    /// <returns>The model with its scale, and the rate measured at it.</returns>
    /// <exception cref="UserErrorException">No scale brings the rate so low.</exception>
    public (SyntheticModel Model, double Alpha) Calibrate(double alpha)
    {
        if (model.ExitLayer == model.Config.LayerCount)
        {
            throw new UserErrorException(
                $"--synthetic-alpha: expected an exit layer below {model.ExitLayer} (the model's layers), found {model.ExitLayer}"
            );
        }

        var high = 1f;
        var best = (Scale: 0f, Alpha: 1.0);
        while (Measure(high) > alpha)
        {
            high =
                high < LargestScale
                    ? 2 * high
                    : throw new UserErrorException(
                        $"--synthetic-alpha: expected at least {best.Alpha:0.00}, the rate of heads that know nothing of the later layers, found {alpha}"
                    );
        }

        var low = 0f;
        for (var step = 0; step < MostSteps && Math.Abs(best.Alpha - alpha) > Tolerance; step++)
        {
            var middle = (low + high) / 2;
            if (Measure(middle) > alpha)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return (model with { Scale = best.Scale }, best.Alpha);

        double Measure(float scale)
        {
            // The head's own layers are scaled as well, so both parts are of that scale.
            var scaled = model with
            {
                Scale = scale,
            };
            using var first = LoadStage(scaled, new LayerRange(0, model.ExitLayer));
            using var rest = LoadStage(
                scaled,
                new LayerRange(model.ExitLayer, model.Config.LayerCount - model.ExitLayer)
            );
            var rate = AgreementOf(first.Model, rest.Model);
            if (Math.Abs(rate - alpha) < Math.Abs(best.Alpha - alpha))
            {
                best = (scale, rate);
            }

            return rate;
        }
    }

    /// <summary>Share of positions at which the exit head's token is the target's.</summary>
    private double AgreementOf(StageModel first, StageModel rest)
    {
        var tokens = Enumerable.Range(0, Texts).Select(Prompt).ToArray();
        foreach (var stage in (StageModel[])[first, rest])
        {
            for (var text = 0; text < Texts; text++)
            {
                stage.Open(text, PromptLength + TextLength, PromptLength, sampling);
            }
        }

        var hidden = new byte[Texts * first.HiddenBytesPerRow];
        var best = new DraftToken[1];
        var agreements = 0;
        for (var position = 0; position < PromptLength + TextLength - 1; position++)
        {
            Append(first, position);
            first.Forward([], static () => false);
            first.ReadHidden(hidden);
            first.RunExitHead(0);
            Append(rest, position);
            rest.Forward(hidden, static () => false);
            rest.RunTargetHead(0);
            for (var text = 0; text < Texts && position >= PromptLength - 1; text++)
            {
                var verdict = rest.Verdict(text);
                first.Draft(text, best);
                agreements += best[0].Token == verdict ? 1 : 0;
                tokens[text].Add(verdict);
            }
        }

        foreach (var stage in (StageModel[])[first, rest])
        {
            for (var text = 0; text < Texts; text++)
            {
                stage.Release(text);
            }
        }

        return agreements / (double)(Texts * TextLength);

        void Append(StageModel stage, int position)
        {
            stage.BeginStep();
            for (var text = 0; text < Texts; text++)
            {
                stage.TryAppend(text, position, position - 1, tokens[text][position], isCertain: true);
            }
        }
    }

    private List<int> Prompt(int text) => [.. KeyedPrompt.Create(text, PromptLength, model.Config.VocabSize)];

    private LoadedStage LoadStage(SyntheticModel scaled, LayerRange layers)
    {
        var factory = new StageRuntimeFactory(ModelAssets.Open(scaled), settings);
        var options = factory.OptionsFor(layers) with { MaxRows = Texts };
        var backend = DeviceCatalog.Open(settings.Devices[0], settings.Threads, settings.KvType, "calibration");
        try
        {
            // Room for the texts and not what the device can spare: both parts of the model share it.
            var kvBytes = StageFootprint.Of(options).KvValuesPerToken * sizeof(float);
            var room = options with
            {
                KvCacheBytes = kvBytes * Texts * (PromptLength + TextLength + StageModel.KvPageSize),
            };
            return new LoadedStage(backend, StageModelLoader.Load(backend, room));
        }
        catch
        {
            backend.Dispose();
            throw;
        }
    }

    private sealed record LoadedStage(Backend Backend, StageModel Model) : IDisposable
    {
        public void Dispose()
        {
            Model.Dispose();
            Backend.Dispose();
        }
    }
}
