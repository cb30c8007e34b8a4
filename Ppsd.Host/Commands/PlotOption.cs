using System.CommandLine;
using Ppsd.Host.Bench;

namespace Ppsd.Host.Commands;

/// <summary>The option that draws a benchmark's result.</summary>
internal sealed class PlotOption : IOptionGroup
{
    private readonly Option<string?> _plot = OptionFactory.Text("--plot", "FILE.png", "Draws the result as a picture.");

    /// <summary>Adds it to a command; a file that is not a picture's or cannot be written is refused before anything is measured.</summary>
    public void AddTo(Command command)
    {
        _plot.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var file }] && !file.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
            {
                result.AddError($"--plot: expected a file name that ends in .png, found '{file}'");
                return;
            }

            if (result.Tokens is [{ Value: var picture }])
            {
                UserFiles.RequireWritable(_plot.Name, picture);
            }
        });
        command.Options.Add(_plot);
    }

    /// <summary>Draws, if asked to.</summary>
    public void Draw(ParseResult parsed, BenchPlot plot)
    {
        if (parsed.GetValue(_plot) is { } file)
        {
            plot.Save(file);
        }
    }
}
