using Ppsd.Kernels.Checkpoints.Files;
using ScottPlot;

namespace Ppsd.Host.Bench;

/// <summary>A picture of lines with markers.</summary>
/// <param name="Title">Title above the plot.</param>
/// <param name="XLabel">Quantity and unit along the bottom.</param>
/// <param name="YLabel">Quantity and unit along the side.</param>
internal sealed record BenchPlot(string Title, string XLabel, string YLabel, IReadOnlyList<PlotSeries> Series)
{
    private const int WidthPixels = 900;
    private const int HeightPixels = 540;

    /// <summary>Draws it as PNG; needs no display.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UserErrorException">
    /// The library that draws cannot be loaded here: it is native code, and needs the system's fonts.
    /// </exception>
    public void Save(string path)
    {
        try
        {
            Draw(path);
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException)
        {
            throw new UserErrorException($"{path} cannot be drawn: {e.GetBaseException().Message.Split('\n')[0]}", e);
        }
    }

    private void Draw(string path)
    {
        using var plot = new Plot();
        foreach (var series in Series)
        {
            var line = plot.Add.Scatter(series.X.ToArray(), series.Y.ToArray());
            line.LegendText = series.Name;
            line.MarkerSize = 7;
        }

        plot.Title(Title);
        plot.XLabel(XLabel);
        plot.YLabel(YLabel);
        plot.Axes.SetLimitsY(bottom: 0, top: 1.1 * Series.SelectMany(series => series.Y).DefaultIfEmpty(1).Max());

        // Beside the lines: over them it hides points.
        plot.ShowLegend(Edge.Right);
        try
        {
            WholeFile.Write(path, plot.GetImage(WidthPixels, HeightPixels).GetImageBytes(ImageFormat.Png));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be written: {e.Message}", e);
        }
    }
}

/// <summary>A line of a picture.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="X">Along the bottom.</param>
/// <param name="Y">Along the side; as many as <paramref name="X"/>.</param>
internal sealed record PlotSeries(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y);
