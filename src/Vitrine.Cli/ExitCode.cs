namespace Vitrine.Cli;

/// <summary>What the command answers to the shell.</summary>
internal static class ExitCode
{
    /// <summary>It did what was asked.</summary>
    public const int Ok = 0;

    /// <summary>It could not; the message says why.</summary>
    public const int Failure = 1;

    /// <summary>It was not understood.</summary>
    public const int Usage = 2;

    /// <summary>It was told to stop (Ctrl+C, SIGTERM).</summary>
    public const int Cancelled = 130;
}
