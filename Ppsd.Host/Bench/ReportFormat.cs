namespace Ppsd.Host.Bench;

/// <summary>How a report is printed.</summary>
internal enum ReportFormat
{
    /// <summary>Aligned columns for people.</summary>
    Table,

    /// <summary>Markdown, for documents.</summary>
    Markdown,

    /// <summary>Comma-separated values.</summary>
    Csv,

    /// <summary>One JSON object and nothing else.</summary>
    Json,
}
