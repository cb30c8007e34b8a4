using System.Net;
using PuppeteerSharp;

namespace Ppsd.Tests.Host.Api;

/// <summary>
/// A real headless Chromium. Set PPSD_TEST_SCREENSHOTS to a folder to see what it saw.
/// </summary>
internal sealed class TestBrowser(IBrowser browser) : IAsyncDisposable
{
    private static readonly string[] _programs =
    [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];

    /// <summary>Starts it; ignores the test where none is installed.</summary>
    public static async Task<TestBrowser> LaunchAsync()
    {
        var path = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator);
        var program = _programs
            .SelectMany(name => path.Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        if (program is null)
        {
            Assert.Ignore($"none of {string.Join(", ", _programs)} is installed; .ci/run installs one");
        }

        return new TestBrowser(
            await Puppeteer.LaunchAsync(
                new LaunchOptions
                {
                    ExecutablePath = program,
                    Headless = true,
                    Args =
                    [
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-quic",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                    ],
                }
            )
        );
    }

    /// <summary>Opens a server's page.</summary>
    /// <param name="server">The server's address.</param>
    /// <param name="errors">Receives what goes wrong on the page, but for requests that were refused.</param>
    /// <param name="scheme">light or dark.</param>
    /// <param name="width">Of the window, in pixels.</param>
    public async Task<IPage> OpenAsync(Uri server, List<string> errors, string scheme = "light", int width = 1360)
    {
        var page = await browser.NewPageAsync();
        page.PageError += (_, error) => errors.Add(error.Message);
        page.Console += (_, message) =>
        {
            // Chromium itself reports every refused request, whatever the page does about it.
            if (
                message.Message.Type == ConsoleType.Error
                && !message.Message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)
            )
            {
                errors.Add(message.Message.Text);
            }
        };
        await page.SetViewportAsync(new ViewPortOptions { Width = width, Height = 880 });
        await page.EmulateMediaFeaturesAsync([
            new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme },
        ]);
        var response = await page.GoToAsync(server.ToString());
        Assert.That(response!.Status, Is.EqualTo(HttpStatusCode.OK));
        return page;
    }

    /// <summary>Saves what is seen, when a folder for it is named.</summary>
    public static async Task SaveAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("PPSD_TEST_SCREENSHOTS") is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
            await page.ScreenshotAsync(Path.Combine(folder, $"{name}.png"));
        }
    }

    public ValueTask DisposeAsync() => browser.DisposeAsync();
}
