using System.CommandLine;
using System.Runtime.InteropServices;
using Vitrine.Cli;
using Vitrine.Experiments;

var root = new RootCommand("Deep learning that you can see through: train or open a network, and see what it has learned.")
{
    TourCommand.Make(),
    TrainCommand.Make(),
    TrainTextCommand.Make(),
    FineTuneCommand.Make(),
    OpenCommand.Make(),
    PredictCommand.Make(),
    ExplainCommand.Make(),
    UnitsCommand.Make(),
    MaximiseCommand.Make(),
    ProjectCommand.Make(),
    CellsCommand.Make(),
    AttentionCommand.Make(),
    AttackCommand.Make(),
    TransferCommand.Make(),
    GroundCommand.Make(),
    MethodsCommand.Make(),
    ConvertCommand.Make(),
    DataCommand.Make(),
};
Help.Install(root);

// The first signal asks the work to stop in good order; the second does what signals do.
using var cancel = new CancellationTokenSource();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    ParseResult parsed = root.Parse(args);
    if (parsed.Errors.Count > 0 && parsed.Action is System.CommandLine.Invocation.ParseErrorAction)
    {
        foreach (System.CommandLine.Parsing.ParseError error in parsed.Errors) Terminal.Error(error.Message);
        string path = Help.PathOf(parsed.CommandResult);
        Console.Error.WriteLine($"'{path} --help' says how it is used.");
        return ExitCode.Usage;
    }
    int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancel.Token);
    await Console.Out.FlushAsync();
    return code;
}
catch (OperationCanceledException e)
{
    Terminal.Error((e as TrainingCancelledException)?.Message ?? "Cancelled.");
    if (e is TrainingCancelledException { Checkpoint: not null }) Console.Error.WriteLine($"Continue with: {CommandText.Resume(args)}");
    return ExitCode.Cancelled;
}
catch (Exception e) when (Failure.Describe(e) is { } message && Environment.GetEnvironmentVariable("VITRINE_TRACE") is not "1")
{
    Terminal.Error(message);
    return ExitCode.Failure;
}
catch (Exception e)
{
    Terminal.Error(Environment.GetEnvironmentVariable("VITRINE_TRACE") is "1"
        ? e.ToString()
        : $"This should not have happened: {e.GetType().Name}: {e.Message} Run it again with VITRINE_TRACE=1 to see where, and please report it.");
    return ExitCode.Failure;
}

void Stop(PosixSignalContext context)
{
    if (cancel.IsCancellationRequested) return;
    context.Cancel = true;
    cancel.Cancel();
}
