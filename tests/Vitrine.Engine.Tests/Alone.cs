namespace Vitrine.Engine.Tests;

/// <summary>Tests that measure what the whole process shares, its pool of buffers and its heap, run when no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    /// <summary>The collection's name.</summary>
    public const string Name = "alone";
}
