using Ppsd.Host.Models;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Rivals;

/// <summary>The norm heads that DEL drafts with, one for each exit that it may choose.</summary>
internal static class NormHeads
{
    /// <summary>In place of a folder: the model's own final norm at every layer, which LayerSkip's checkpoints are made for.</summary>
    public const string Own = "own";

    private const int SyntheticExits = 8;

    /// <summary>Where a model's heads lie if no other folder is named: beside its own.</summary>
    public static string FolderBeside(ModelAssets assets) =>
        Path.TrimEndingDirectorySeparator(assets.Folder) + "-norm-heads";

    /// <summary>Finds them.</summary>
    /// <param name="folder">A folder of head folders, or <see cref="Own"/>; null for the one beside the model.</param>
    /// <returns>By exit layer.</returns>
    /// <exception cref="UserErrorException">There are none, or two of a layer, or heads of another kind.</exception>
    public static IReadOnlyList<ExitHeadSource> Find(ModelAssets assets, string? folder)
    {
        var layers = assets.Config.LayerCount;
        if (folder == Own || (assets.Synthetic is not null && folder is null))
        {
            var step = assets.Synthetic is null ? 1 : Math.Max(1, layers / SyntheticExits);
            return
            [
                .. Enumerable
                    .Range(1, (layers - 1) / step)
                    .Select(i => new ExitHeadSource(ExitHeadConfig.OfNorm(assets.Config, i * step), Folder: null)
                    {
                        HasOwnNorm = assets.Synthetic is null,
                    }),
            ];
        }

        var parent = folder ?? FolderBeside(assets);
        var folders = Directory.Exists(parent)
            ? Directory.GetDirectories(parent).Where(head => File.Exists(Path.Combine(head, "config.json")))
            : [];
        var heads = folders
            .Select(head => new ExitHeadSource(ExitHeadConfig.Read(head), head))
            .OrderBy(head => head.Config.ExitLayer)
            .ToList();
        if (heads.Count == 0)
        {
            throw new UserErrorException(
                $"--layer-heads: expected folders of norm heads in {parent}, found none; ppsd distill --head norm --exit-layer 2,4,… --out {parent} makes them, and '{Own}' takes the model's own norm"
            );
        }

        foreach (var head in heads)
        {
            head.Config.RequireFits(assets.Config, assets.Fingerprint);
            if (head.Config.Kind != ExitHeadKind.Norm || head.Config.ExitLayer >= layers)
            {
                throw new UserErrorException(
                    $"{head.Config.ConfigPath}: expected a norm head after 1 to {layers - 1} layers, found a {head.Config.Kind.ToString().ToLowerInvariant()} head after {head.Config.ExitLayer}"
                );
            }
        }

        return heads.Select(head => head.Config.ExitLayer).Distinct().Count() == heads.Count
            ? heads
            : throw new UserErrorException($"--layer-heads: expected one head a layer in {parent}, found two of one");
    }
}
