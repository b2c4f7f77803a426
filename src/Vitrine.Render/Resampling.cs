namespace Vitrine.Render;

/// <summary>
/// How the pixels of a resized picture come from the old ones. All but the first widen their filter when the picture shrinks, so that nothing is skipped.
/// </summary>
public enum Resampling
{
    /// <summary>The old pixel under the centre of the new one.</summary>
    Nearest,

    /// <summary>The mean of the old pixels under the new one.</summary>
    Box,

    /// <summary>Weights fall off linearly with distance; torchvision's default.</summary>
    Bilinear,

    /// <summary>Keys' cubic convolution with a = -0.5 (Keys 1981, "Cubic convolution interpolation for digital image processing").</summary>
    Bicubic,

    /// <summary>A sinc windowed by a sinc of three lobes (Duchon 1979, "Lanczos filtering in one and two dimensions").</summary>
    Lanczos,
}
