namespace Vitrine.Insight;

/// <summary>
/// A method that changes inputs a little so that a classifier errs, or noise of the same size to compare with. Options are constructor parameters; the same
/// options give the same bytes, and an example is changed in the same way whatever else is in its batch.
/// </summary>
public interface IAttack
{
    /// <summary>The method's name in its paper.</summary>
    string Name { get; }

    /// <summary>Whether labels are classes to be reached; otherwise they are the classes to be left.</summary>
    bool Targeted { get; }

    /// <summary>The changed input. Nothing about the network changes.</summary>
    /// <param name="model">A network whose output is logits [N, classes].</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="labels">A class for each example: the true one, or where <see cref="Targeted"/> the one to be reached.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1, by methods that take long.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>[N, ...], of the shape of the input.</returns>
    /// <exception cref="ArgumentException">There is no such class, or not one label for each example.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default);
}
