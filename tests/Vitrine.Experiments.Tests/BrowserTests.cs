using System.Globalization;
using Microsoft.Playwright;

namespace Vitrine.Experiments.Tests;

/// <summary>The report in a real browser: Debian's Chromium, where it is installed.</summary>
public sealed class BrowserTests(SmallTour tour) : IClassFixture<SmallTour>
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    [Theory]
    [InlineData(1280, 900, false, ColorScheme.Light)]
    [InlineData(1280, 900, false, ColorScheme.Dark)]
    [InlineData(390, 844, true, ColorScheme.Light)]
    [InlineData(390, 844, true, ColorScheme.Dark)]
    public async Task The_report_fits_and_is_quiet(int width, int height, bool phone, ColorScheme scheme)
    {
        string? chromium = Places.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "Chromium is not installed (Debian: apt-get install chromium).");
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox"] });
        IBrowserContext context = await browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height },
            IsMobile = phone,
            HasTouch = phone,
            DeviceScaleFactor = phone ? 2 : 1,
            ColorScheme = scheme,
        });
        IPage page = await context.NewPageAsync();
        List<string> noise = [];
        page.Console += (_, message) => noise.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => noise.Add(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("file:", StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal)) noise.Add("loads " +
                "" + request.Url);
        };
        await page.GotoAsync(new Uri(tour.Result.Report).AbsoluteUri);

        int overflow = await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        Assert.Equal(0, overflow);
        // Nothing sticks out of the page's own column either, unless it lies in a box that scrolls.
        string[] outside = await page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1).map(e => " +
                "e.tagName + ' ' + e.textContent.slice(0, 40))");
        Assert.Empty(outside);
        int broken = await page.EvaluateAsync<int>("[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length");
        Assert.Equal(0, broken);
        double[] lightness = await page.EvaluateAsync<double[]>(
            "['backgroundColor', 'color'].map(p => getComputedStyle(document.body)[p].match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 765)");
        Assert.True(scheme == ColorScheme.Dark ? lightness[0] < 0.2 && lightness[1] > 0.7 : lightness[0] > 0.9 && lightness[1] < 0.3,
            string.Create(CultureInfo.InvariantCulture, $"{scheme}: paper {lightness[0]:0.00}, ink {lightness[1]:0.00}"));
        Assert.Empty(noise);
    }
}
