namespace Vitrine.Insight.Tests;

/// <summary>Tests that measure or change what the whole process shares, its pool of buffers and its number of threads, run when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The collection's name.</summary>
    public const string Name = "alone";
}
