using Ppsd.Actors.Configuration;

namespace Ppsd.Actors.Client;

/// <summary>Says what is wrong with <see cref="PpsdClientOptions"/>.</summary>
public static class PpsdClientOptionsValidator
{
    /// <summary>The options, if they can be used.</summary>
    /// <exception cref="ArgumentException">They cannot; one line.</exception>
    public static PpsdClientOptions Validated(PpsdClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var seed in options.SeedNodes)
        {
            try
            {
                MemberAddress.Parse(seed);
            }
            catch (FormatException e)
            {
                throw new ArgumentException($"seed node: {e.Message}", nameof(options), e);
            }
        }

        if (options.Hostname is { } hostname && Uri.CheckHostName(hostname) == UriHostNameType.Unknown)
        {
            throw new ArgumentException(
                $"hostname: expected a host name or address, found '{hostname}'",
                nameof(options)
            );
        }

        if (options.MaxResumes < 0)
        {
            throw new ArgumentException(
                $"max resumes: expected 0 or more, found {options.MaxResumes}",
                nameof(options)
            );
        }

        return options.StartTimeout > TimeSpan.Zero
            ? options
            : throw new ArgumentException(
                $"start timeout: expected more than 0, found {options.StartTimeout}",
                nameof(options)
            );
    }
}
