using System.CommandLine;
using Ppsd.Host.Distillation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Commands;

/// <summary>Options that say what heads learn from, and where they go.</summary>
internal sealed class DistillDataOptions : IOptionGroup
{
    private const int DefaultHeldOut = 80;
    private const int DefaultSequenceLength = 1024;

    private readonly Option<string?> _data = OptionFactory.Text(
        "--data",
        "FILE.jsonl",
        "JSON lines with messages, question/answer, prompt/completion or text; only answers count in the loss."
    );

    private readonly Option<string?> _evaluation = OptionFactory.Text(
        "--eval-data",
        "FILE.jsonl",
        "Texts whose prompts heads are measured on; by default some of --data are held out."
    );

    private readonly Option<int?> _heldOut = OptionFactory.Number(
        "--held-out",
        "N",
        "Texts to measure on, at most; 80 by default, and no more than a twentieth of --data.",
        1,
        1_000_000
    );

    private readonly Option<int?> _selfWritten = OptionFactory.Number(
        "--self-written",
        "N",
        "Answers the model writes itself to the prompts of --data before training, half greedy, half sampled.",
        1,
        100_000_000
    );

    private readonly Option<int?> _sequenceLength = OptionFactory.Number(
        "--sequence-length",
        "N",
        "Longest text, in tokens; longer ones are cut. 1024 by default, or the model's context if that is shorter.",
        2,
        1 << 20
    );

    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "DIR",
        "Folder of the head; with several heads, of a folder for each."
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        command.Options.Add(_data);
        command.Options.Add(_evaluation);
        command.Options.Add(_heldOut);
        command.Options.Add(_selfWritten);
        command.Options.Add(_sequenceLength);
        command.Options.Add(_out);
    }

    /// <summary>Settings with these options.</summary>
    /// <exception cref="UserErrorException">One is missing, or contradicts another or the model.</exception>
    public DistillSettings Apply(ParseResult parsed, DistillSettings settings, ModelAssets assets)
    {
        var data = parsed.GetValue(_data);
        if (data is null && assets.Synthetic is null)
        {
            throw new UserErrorException("--data: expected a file of JSON lines, found none");
        }

        if (assets.Synthetic is not null)
        {
            foreach (var option in (Option[])[_data, _evaluation, _selfWritten])
            {
                if (parsed.GetResult(option) is { Implicit: false })
                {
                    throw new UserErrorException($"{option.Name}: cannot be given with --synthetic");
                }
            }
        }

        foreach (var option in (Option<string?>[])[_data, _evaluation])
        {
            if (parsed.GetValue(option) is { } file)
            {
                UserFiles.Require(option.Name, file);
            }
        }

        var context = assets.Config.MaxPositions;
        var length = parsed.GetValue(_sequenceLength) ?? Math.Min(DefaultSequenceLength, context);
        return length <= context
            ? settings with
            {
                DataPath = data,
                EvaluationPath = parsed.GetValue(_evaluation),
                HeldOut = parsed.GetValue(_heldOut) ?? DefaultHeldOut,
                SelfWritten = parsed.GetValue(_selfWritten) ?? 0,
                SequenceLength = length,
                OutputFolder =
                    parsed.GetValue(_out) ?? throw new UserErrorException("--out: expected a folder, found none"),
            }
            : throw new UserErrorException(
                $"--sequence-length: expected at most {context} (the model's context), found {length}"
            );
    }
}
