using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>
/// Hosts of a network of their own: each a network namespace with one card, all cards on one <see cref="EthernetSwitch"/>, and on
/// it this process too. Needs root and <c>ip</c>. Disposing removes all of it.
/// </summary>
internal sealed class NetworkHosts : IDisposable
{
    private const string Prefix = "ppsd-";

    private readonly List<string> _namespaces = [];
    private readonly int _count;
    private readonly string _network;
    private EthernetSwitch? _switch;

    private NetworkHosts(int count)
    {
        _count = count;
        _network = string.Create(
            CultureInfo.InvariantCulture,
            $"10.{64 + (Environment.ProcessId / 250 % 128)}.{Environment.ProcessId % 250}"
        );
    }

    /// <summary>Makes them; skips the test with what is missing where that cannot be done.</summary>
    /// <param name="seed">Of what the network does with frames.</param>
    public static async Task<NetworkHosts> CreateAsync(int count, int seed)
    {
        var hosts = new NetworkHosts(count);
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("network namespaces need Linux and root");
        }

        try
        {
            await hosts.ConnectAsync(seed);
            return hosts;
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            hosts.Dispose();
            Assert.Ignore($"this machine lets nobody make hosts of network namespaces: {e.Message}");
            throw;
        }
        catch
        {
            hosts.Dispose();
            throw;
        }
    }

    /// <summary>A host's namespace, for <c>ip netns exec</c>.</summary>
    /// <param name="host">From 1.</param>
    public string NamespaceOf(int host) => _namespaces[host - 1];

    /// <summary>A host's address.</summary>
    /// <param name="host">From 1.</param>
    public string AddressOf(int host) => $"{_network}.{host}";

    /// <summary>Says what becomes of frames from one host to another; this process's own are never touched.</summary>
    /// <param name="from">From 1.</param>
    /// <param name="to">From 1.</param>
    public void Set(int from, int to, LinkRule rule) => _switch!.Set(from - 1, to - 1, rule);

    /// <summary>The same for all frames that a host sends to others.</summary>
    public void SetFrom(int host, LinkRule rule)
    {
        foreach (var other in Others(host))
        {
            Set(host, other, rule);
        }
    }

    /// <summary>The same for all frames between a host and others.</summary>
    public void SetLink(int host, LinkRule rule)
    {
        foreach (var other in Others(host))
        {
            Set(host, other, rule);
            Set(other, host, rule);
        }
    }

    /// <summary>The same for all hosts.</summary>
    public void SetAll(LinkRule rule)
    {
        for (var host = 1; host <= _count; host++)
        {
            SetFrom(host, rule);
        }
    }

    public void Dispose()
    {
        _switch?.Dispose();
        foreach (var name in _namespaces)
        {
            using var removal = Process.Start("ip", ["netns", "delete", name]);
            removal.WaitForExit(TimeSpan.FromSeconds(10));
        }
    }

    private IEnumerable<int> Others(int host) => Enumerable.Range(1, _count).Where(other => other != host);

    private async Task ConnectAsync(int seed)
    {
        await RemoveAbandonedAsync();
        var devices = new List<TapDevice>();
        try
        {
            for (var host = 1; host <= _count; host++)
            {
                var name = $"{Prefix}{Environment.ProcessId}-{host}";
                await IpAsync("netns", "add", name);
                _namespaces.Add(name);
                var device = TapDevice.Create($"pt{Environment.ProcessId}-{host}");
                devices.Add(device);
                await IpAsync("link", "set", device.Name, "netns", name);
                await IpAsync("-n", name, "address", "add", $"{AddressOf(host)}/24", "dev", device.Name);
                await IpAsync("-n", name, "link", "set", "lo", "up");
                await IpAsync("-n", name, "link", "set", device.Name, "up");
            }

            var own = TapDevice.Create($"pt{Environment.ProcessId}-0");
            devices.Add(own);
            await IpAsync("address", "add", $"{_network}.254/24", "dev", own.Name);
            await IpAsync("link", "set", own.Name, "up");
        }
        catch
        {
            devices.ForEach(device => device.Dispose());
            throw;
        }

        _switch = new EthernetSwitch(devices, seed);
    }

    /// <summary>Namespaces of test runs that were killed.</summary>
    private static async Task RemoveAbandonedAsync()
    {
        foreach (var line in (await IpAsync("netns", "list")).Split('\n'))
        {
            var name = line.Split(' ')[0];
            var parts = name.Split('-');
            if (
                name.StartsWith(Prefix, StringComparison.Ordinal)
                && parts.Length == 3
                && int.TryParse(parts[1], out var process)
                && !Directory.Exists($"/proc/{process}")
            )
            {
                await IpAsync("netns", "delete", name);
            }
        }
    }

    private static async Task<string> IpAsync(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new IOException($"ip {string.Join(' ', arguments)}: {error.Trim()}");
    }
}
