using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Vitrine.Cli;

/// <summary>
/// Progress for people, always on standard error, so that standard output holds results alone: a bar with the latest figures on a terminal, plain lines
/// elsewhere; and where the page is that a command wrote.
/// </summary>
internal static class Terminal
{
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(5);

    /// <summary>Says what went wrong.</summary>
    public static void Error(string message)
    {
        try
        {
            Console.Error.WriteLine($"vitrine: {message}");
        }
        catch (IOException)
        {
            // Where even standard error is closed or full, the exit code has to do.
        }
    }

    /// <summary>Says what may not be as the user means it; the work goes on.</summary>
    public static void Warn(string message) => Error($"note: {message}");

    /// <summary>Says on standard output, as the last of the results, where their page is; nothing where none was written.</summary>
    public static void Report(string? folder)
    {
        if (folder is not null) Console.Out.WriteLine($"Report: {Path.GetFullPath(Path.Combine(folder, "index.html"))}");
    }

    /// <summary>Does work that reports stages and the state of training.</summary>
    /// <param name="work">Gets a listener for stages and one for training.</param>
    public static T Watch<T>(Func<Action<string>, Action<TrainingProgress>, T> work)
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is "dumb") return WatchPlainly(work);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new SpinnerColumn(), new ProgressBarColumn { Width = 12 }, new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context =>
            {
                ProgressTask bar = context.AddTask("starting");
                bar.IsIndeterminate = true;
                return work(
                    stage =>
                    {
                        bar.IsIndeterminate = true;
                        bar.Description = Markup.Escape(stage);
                    },
                    p =>
                    {
                        bar.IsIndeterminate = false;
                        bar.MaxValue = (double)p.Epochs * p.Steps;
                        bar.Value = ((double)(p.Epoch - 1) * p.Steps) + p.Step;
                        bar.Description = Markup.Escape(Line(p));
                        if (p.Finished is not null) console.WriteLine(Finished(p));
                    });
            });
    }

    /// <summary>Does work that counts what is done.</summary>
    /// <param name="what">What is counted: <c>pictures</c>.</param>
    /// <param name="total">How many there are.</param>
    /// <param name="work">Gets a listener for the number done.</param>
    public static T Count<T>(string what, int total, Func<Action<int>, T> work)
    {
        if (Console.IsErrorRedirected || Environment.GetEnvironmentVariable("TERM") is "dumb")
        {
            var clock = Stopwatch.StartNew();
            TimeSpan next = PlainEvery;
            return work(done =>
            {
                if (clock.Elapsed < next) return;
                next = clock.Elapsed + PlainEvery;
                Console.Error.WriteLine($"{done} of {total} {what}");
            });
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true)
            .Columns(new SpinnerColumn(), new ProgressBarColumn { Width = 12 }, new TaskDescriptionColumn { Alignment = Justify.Left },
                new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask bar = context.AddTask($"{total} {what}", maxValue: Math.Max(1, total));
                return work(done => bar.Value = done);
            });
    }

    private static T WatchPlainly<T>(Func<Action<string>, Action<TrainingProgress>, T> work)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan next = PlainEvery;
        return work(
            stage => Console.Error.WriteLine($"{stage} ..."),
            p =>
            {
                if (p.Finished is null && clock.Elapsed < next) return;
                next = clock.Elapsed + PlainEvery;
                Console.Error.WriteLine(p.Finished is null ? Line(p) : Finished(p));
            });
    }

    private static string Line(TrainingProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"epoch {p.Epoch}/{p.Epochs} loss {p.Loss:0.000} accuracy {100 * p.Accuracy:0.0} % {p.ExamplesPerSecond:N0} images/s {Left(p.Remaining)} left");

    private static string Finished(TrainingProgress p) => string.Create(CultureInfo.InvariantCulture,
        $"epoch {p.Epoch}/{p.Epochs}  loss {p.Loss:0.000}  accuracy {100 * p.Accuracy:0.0} %  unseen {100 * p.Finished!.ValidationAccuracy:0.00} %  " +
            $"{p.ExamplesPerSecond:N0} images/s  {Left(p.Remaining)} left");

    /// <summary>A time that is left, for people.</summary>
    public static string Left(TimeSpan time) => time.TotalHours >= 1 ? time.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture)
        : time.ToString(@"m\:ss", CultureInfo.InvariantCulture);
}
