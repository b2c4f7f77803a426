using System.Globalization;
using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>A direction among the units of a layer, in a file: a concept vector, for instance.</summary>
internal static class DirectionFile
{
    /// <summary>Reads one number a unit: an array of NumPy (<c>.npy</c>) of one axis that is longer than 1, or a text with numbers between commas, semicolons,
    /// spaces or lines.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">There is no such file, it holds something else, or all numbers are zero.</exception>
    public static float[] Read(string path)
    {
        if (!File.Exists(path)) throw new DataException($"There is no file {path}.", "Check the path of --direction.");
        float[] direction = Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase) ? Array(path) : Text(path);
        if (direction.Length == 0 || !direction.All(float.IsFinite)) throw new DataException($"{path} holds no finite numbers.", "It should hold one a unit.");
        return direction.Any(d => d != 0) ? direction
            : throw new DataException($"All numbers in {path} are zero: that is no direction.", "Give one that points somewhere.");
    }

    private static float[] Array(string path)
    {
        Tensor array = NumPy.LoadArray(path);
        if (array.DType != DType.Float32 || array.Shape.Dims.ToArray().Count(d => d > 1) > 1)
            throw new DataException($"{path} holds {array.DType} {array.Shape}; a direction has one axis of floats.", "Save one row.");
        return array.ToArray();
    }

    private static float[] Text(string path) =>
    [
        .. File.ReadAllText(path).Split([',', ';', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(word =>
            float.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) ? value
                : throw new DataException($"'{word}' in {path} is no number.", "A direction is numbers between commas, spaces or lines, one a unit.")),
    ];
}
