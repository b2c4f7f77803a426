namespace Vitrine;

/// <summary>How the learning rate changes over a training: from the part that is done, in [0, 1], to a factor of the optimizer's learning rate.</summary>
public delegate float Schedule(float done);

/// <summary>The usual schedules.</summary>
public static class Schedules
{
    /// <summary>Half a cosine from 1 down to <paramref name="last"/> (Loshchilov and Hutter 2017, "SGDR", without restarts).</summary>
    public static Schedule Cosine(float last = 0) => done => last + (1 - last) * 0.5f * (1 + MathF.Cos(MathF.PI * done));

    /// <summary>
    /// Up from <paramref name="first"/> to 1 over the first part, then down to <paramref name="last"/>, both along cosines
    /// (Smith and Topin 2018, "Super-convergence").
    /// </summary>
    /// <param name="warmUp">The part that goes up, in (0, 1).</param>
    /// <param name="first">The factor at the beginning.</param>
    /// <param name="last">The factor at the end.</param>
    public static Schedule OneCycle(float warmUp = 0.3f, float first = 0.04f, float last = 1e-4f) => done => done < warmUp
        ? Between(first, 1, done / warmUp)
        : Between(1, last, (done - warmUp) / (1 - warmUp));

    /// <summary>Up in a straight line over the first part, then as <paramref name="then"/> says of the rest.</summary>
    public static Schedule WarmUp(float part, Schedule then) => done => done < part ? done / part : then((done - part) / (1 - part));

    /// <summary>Multiplied by <paramref name="factor"/> after each of these parts of the training.</summary>
    public static Schedule Steps(float factor, params IReadOnlyList<float> after) => done => MathF.Pow(factor, after.Count(a => done >= a));

    private static float Between(float from, float to, float part) => to + (from - to) * 0.5f * (1 + MathF.Cos(MathF.PI * part));
}
