using Vitrine.Ops;

namespace Vitrine;

public static partial class Loss
{
    /// <summary>Connectionist temporal classification (Graves et al. 2006): the negative log-probability of a label sequence over all its alignments.</summary>
    /// <param name="logP">[T, N, C]: log-probabilities, time first.</param>
    /// <param name="targets">Int64, without blanks: [N, S], filled up beyond each length; or all sequences one after the other.</param>
    /// <param name="inputLengths">[N], Int64: how many steps of each example count.</param>
    /// <param name="targetLengths">[N], Int64: how many labels each example has.</param>
    /// <param name="blank">The class that stands for no label.</param>
    /// <param name="zeroInfinity">Whether an example without any alignment counts as 0 instead of infinity.</param>
    /// <param name="reduction">Mean divides each loss by the number of its labels first, as PyTorch does.</param>
    /// <returns>A scalar, or with <see cref="LossReduction.None"/> [N].</returns>
    public static Tensor Ctc(
        Tensor logP, Tensor targets, Tensor inputLengths, Tensor targetLengths, int blank = 0, bool zeroInfinity = false,
            LossReduction reduction = LossReduction.Mean)
    {
        int n = targetLengths.Count;
        int[] lengths = [.. targetLengths.Longs.ToArray().Select(l => checked((int)l))];
        if (targets.Rank == 2 ? targets.Shape[0] != n || lengths.Any(l => l > targets.Shape[1]) : lengths.Sum() > targets.Count || lengths.Any(l => l < 0))
        {
            throw new ArgumentException($"Ctc: targets of shape {targets.Shape} do not hold sequences of lengths {string.Join(", ", lengths)}.");
        }
        int[][] labels = new int[n][];
        for (int i = 0, start = 0; i < n; start += lengths[i++])
        {
            labels[i] = [.. targets.Longs.Slice(targets.Rank == 2 ? i * targets.Shape[1] : start, lengths[i]).ToArray().Select(l => checked((int)l))];
        }
        Tensor loss = new CtcLossOp(labels, [.. inputLengths.Longs.ToArray().Select(l => checked((int)l))], blank).Apply(logP);
        if (zeroInfinity) loss = loss.Less(Tensor.Scalar(float.PositiveInfinity)).Where(loss, Tensor.Scalar(0));
        if (reduction == LossReduction.Mean) loss /= Tensor.From([.. lengths.Select(l => (float)Math.Max(1, l))], [n]);
        return Reduce(loss, reduction);
    }
}
