using Akka.Configuration;

namespace Ppsd.Actors.Client;

/// <summary>
/// How often and how long a client tries to have another pipeline go on with a text when one died. HOCON section
/// <c>ppsd.resume</c>.
/// </summary>
/// <param name="MaxResumes">Most times for one text; 0 to end it with an error at once.</param>
/// <param name="Patience">How long to wait for a pipeline each time.</param>
public sealed record ResumePolicy(int MaxResumes, TimeSpan Patience)
{
    /// <summary>A text ends with its pipeline: where there will be no other.</summary>
    public static ResumePolicy Off { get; } = new(0, TimeSpan.Zero);

    /// <summary>The policy of a configuration.</summary>
    /// <exception cref="ConfigurationException">A value cannot be used; one line.</exception>
    internal static ResumePolicy Of(Config config)
    {
        var max = config.GetInt("ppsd.resume.max-resumes");
        var patience = config.GetTimeSpan("ppsd.resume.patience");
        return max >= 0 && patience > TimeSpan.Zero
            ? new ResumePolicy(max, patience)
            : throw new ConfigurationException(
                max < 0
                    ? $"ppsd.resume.max-resumes: expected 0 or more, found {max}"
                    : $"ppsd.resume.patience: expected more than 0, found {patience}"
            );
    }
}
