namespace Ppsd.Host.Bench.Paper;

/// <summary>A part of the report.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Text">What is measured, in plain words.</param>
/// <param name="Picture">File name and plot; null for none.</param>
internal sealed record PaperSection(
    string Title,
    string Text,
    BenchTable Table,
    (string File, BenchPlot Plot)? Picture = null
);
