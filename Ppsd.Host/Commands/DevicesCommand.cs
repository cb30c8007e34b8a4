using System.CommandLine;
using Ppsd.Host.Terminal;
using Ppsd.Kernels.Catalog;
using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd devices</c>: this machine's devices, and why one cannot be used.</summary>
internal sealed class DevicesCommand(TimeProvider clock)
    : PpsdCommand("devices", "Lists devices, with the reason for unusable ones.", clock)
{
    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var table = new Table().Border(TableBorder.None).AddColumns("device", "usable", "what it is");
        foreach (var device in DeviceCatalog.List())
        {
            table.AddRow(
                new PlainText(device.Name),
                new PlainText(device.Trouble is null ? "yes" : "no"),
                new PlainText(device.Trouble is null ? device.Description : $"{device.Description}: {device.Trouble}")
            );
        }

        OutputConsole.Open().Write(table);
        return Task.FromResult(0);
    }
}
