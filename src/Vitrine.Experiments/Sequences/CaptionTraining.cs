using System.Diagnostics;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>Trains a captioner on <see cref="CaptionedScenes"/>, in minutes.</summary>
public static class CaptionTraining
{
    /// <summary>Scenes of a step.</summary>
    public const int Batch = 32;

    private const float Rate = 3e-3f;

    /// <summary>A captioner that learned for some steps, all of their scenes new.</summary>
    /// <param name="seed">Where weights and scenes start.</param>
    /// <param name="steps">Steps of <see cref="Batch"/> scenes each; 0 for fresh weights.</param>
    /// <param name="spread">
    /// The weight of the doubly stochastic penalty in the loss, lambda of Xu et al. 2015, equation 14. 0 for none: it asks that every place is looked at, and
    /// in a scene of two shapes most places say nothing.
    /// </param>
    /// <param name="progress">Hears the steps done and the mean loss of the last ones, now and then; or null.</param>
    /// <param name="cancel">Ends the training.</param>
    public static ShowAttendTell Train(
        ulong seed = 1, int steps = CaptionOptions.DefaultSteps, float spread = 0, Action<int, double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(steps);
        ArgumentOutOfRangeException.ThrowIfNegative(spread);
        var network = new ShowAttendTell(Weights.Random(seed), CaptionedScenes.Words.Count, CaptionedScenes.Size, CaptionedScenes.Length);
        var optimizer = new Adam(Rate);
        Schedule schedule = Schedules.WarmUp(0.05f, Schedules.Cosine(0.01f));
        string[] looks = network.Looks(CaptionedScenes.Length);
        var run = new Run(training: true, recording: true);
        if (spread > 0) run.Tap(looks);
        var random = new RandomSource(seed);
        Tensor[] parameters = [.. network.Parameters.Select(p => p.Value)];
        double recent = 0;
        var clock = Stopwatch.StartNew();
        for (int step = 0; step < steps; step++)
        {
            cancel.ThrowIfCancellationRequested();
            optimizer.LearningRate = Rate * schedule(step / (float)steps);
            using var scope = MemoryScope.Open();
            CaptionedScenes scenes = CaptionedScenes.Generate(Batch, random.Derive((ulong)step));
            run.Restart((ulong)step);
            Tensor logits = network.Call(run, scenes.Pictures, scenes.Shown)[0]; // [N, T, words]
            Tensor loss = Loss.CrossEntropy(logits.Reshape(scenes.Captions.Count, logits.Shape[2]), scenes.Captions.Reshape(scenes.Captions.Count));
            double likely = loss.Item();
            if (spread > 0) loss += spread * ShowAttendTell.DoublyStochastic([.. looks.Select(l => run.Taps[l])]);
            optimizer.Step(network.Parameters, Autograd.Backward(loss, null, parameters).ClippedByNorm(1));
            recent = step == 0 ? likely : (0.95 * recent) + (0.05 * likely);
            if (progress is null || (clock.ElapsedMilliseconds < 1_000 && step + 1 < steps)) continue;
            progress(step + 1, recent);
            clock.Restart();
        }
        return network;
    }
}
