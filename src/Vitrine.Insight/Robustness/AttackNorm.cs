namespace Vitrine.Insight;

/// <summary>How far a changed input is from the original.</summary>
public enum AttackNorm
{
    /// <summary>The largest change of an element.</summary>
    Infinity,

    /// <summary>The square root of the sum of squared changes of an example.</summary>
    Two,
}
