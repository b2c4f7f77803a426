using System.Text.Json;
using Vitrine.Bench;

if (args is ["memory", ..]) return MemoryCommand.Run(args.AsSpan(1));
if (args is ["growth", ..]) return GrowthCommand.Run(args.AsSpan(1));
if (args is ["tsne-quality" or "tsne-mnist" or "tsne-growth" or "tsne-map", ..])
{
    try
    {
        return TsneCommand.Run(args[0], args[1..]);
    }
    catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
}
if (args is ["peak"])
{
    Peak.Print();
    return 0;
}

Options options;
IReadOnlyList<Workload> workloads;
try
{
    options = Options.Parse(args);
    workloads = options.Workloads();
    if (options.Command is "run" or "profile" && workloads.Count == 0) throw new UsageException($"{options.Command} needs the name of a workload.");
    if (options.Command is not ("compare" or "run" or "profile" or "list" or "onnxruntime" or "help"))
    {
        throw new UsageException(options.Command.Length == 0 ? "What shall be done?" : $"There is no command {options.Command}.");
    }
}
catch (UsageException e)
{
    Console.Error.WriteLine(e.Message);
    Console.Error.WriteLine("Vitrine.Bench --help has the commands and options.");
    return 2;
}

Vitrine.Cpu.Parallel.Threads = options.Threads;
try
{
    switch (options.Command)
    {
        case "help":
            Console.WriteLine(Options.Usage);
            break;
        case "list":
            foreach (Workload workload in Catalog.All)
            {
                Console.WriteLine($"{workload.Name,-24} {workload.Description}{(workload.Needs is null ? "" : $" [not yet: needs {workload.Needs}]")}");
            }
            break;
        case "run":
            foreach (Workload workload in workloads)
            {
                Console.WriteLine(JsonSerializer.Serialize(Measurement.Of(workload, options.Seconds, options.WarmUp), Output.Json));
            }
            break;
        case "profile":
            foreach (Workload workload in workloads) Profile.Print(workload);
            break;
        case "onnxruntime":
            OnnxRuntimeCommand.Run(options);
            break;
        default:
            Compare();
            break;
    }
    return 0;
}
catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

void Compare()
{
    if (workloads.Count == 0)
    {
        workloads = [.. Catalog.Runnable];
        foreach (Workload left in Catalog.All.Except(workloads)) Console.Error.WriteLine($"{left.Name} is left out: it needs {left.Needs}.");
    }
    // A mistake in a name should come to light before an hour of measuring, not after.
    if (options.MarkdownFile is not null) Output.CheckMarkdown(options.MarkdownFile);
    string? load = Output.Load();
    double peak = Peak.Gflops(options.Threads);
    var peer = new Peer(options.Python, options.Seconds);
    var rows = new List<Row>();
    foreach (Workload workload in workloads)
    {
        Console.Error.WriteLine($"{workload.Name} ({rows.Count + 1} of {workloads.Count}) ...");
        rows.Add(Comparison.Of(workload, peer, options, peak));
        if (peer.Trouble is not null) Console.Error.WriteLine($"{workload.Name} has no peer: {peer.Trouble}");
        // After every workload: hours of measuring must not be lost to the last of them.
        if (options.JsonFile is not null) Output.WriteJson(options.JsonFile, rows);
    }
    string conditions = Output.Conditions(options, peer.Name, peak, load);
    Console.WriteLine(conditions);
    Console.WriteLine();
    Console.Write(Output.Table(rows));
    if (options.MarkdownFile is not null) Output.WriteMarkdown(options.MarkdownFile, rows, conditions);
}
