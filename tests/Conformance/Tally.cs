namespace Vitrine.Conformance;

/// <summary>What became of a case.</summary>
internal enum Outcome
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>Counts cases, and writes a line about each that did not pass, or passed with a remark.</summary>
internal sealed class Tally(TextWriter output)
{
    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    public void Add(string name, Outcome outcome, string finding)
    {
        switch (outcome)
        {
            case Outcome.Passed:
                Passed++;
                if (finding.Length > 0) output.WriteLine($"passed {name}: {finding}");
                break;
            case Outcome.Skipped:
                Skipped++;
                output.WriteLine($"skipped {name}: {finding}");
                break;
            default:
                Failed++;
                output.WriteLine($"FAILED {name}: {finding}");
                break;
        }
    }

    /// <summary>Writes the counts; 0 when no case failed, 1 otherwise.</summary>
    public int Close()
    {
        output.WriteLine($"{Passed} passed, {Failed} failed, {Skipped} skipped");
        return Failed > 0 ? 1 : 0;
    }
}
