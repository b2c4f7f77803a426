namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>
    /// The positions of the elements along an axis in ascending (or descending) order, Int64. Equal elements keep their order; NaN counts as the largest.
    /// </summary>
    public static Tensor ArgSort(this Tensor x, int axis = -1, bool descending = false)
    {
        (int outer, int n, int inner) = x.Shape.Around(axis);
        return x.Device.ArgSort(x, outer, n, inner, descending);
    }

    /// <summary>The elements along an axis in order, and where they stood; see <see cref="ArgSort"/>.</summary>
    public static (Tensor Values, Tensor Indices) Sort(this Tensor x, int axis = -1, bool descending = false)
    {
        Tensor order = x.ArgSort(axis, descending);
        return (x.Gather(axis, order), order);
    }

    /// <summary>The k largest (or smallest) elements along an axis, the most extreme first, and where they stand (Int64).</summary>
    /// <exception cref="ArgumentException">The axis has fewer elements.</exception>
    public static (Tensor Values, Tensor Indices) TopK(this Tensor x, int k, int axis = -1, bool largest = true)
    {
        if (k < 0 || k > x.Shape[axis]) throw new ArgumentException($"TopK: axis {axis} of {x.Shape} has no {k} elements.");
        Tensor order = x.ArgSort(axis, descending: largest).Slice(axis, 0, k);
        return (x.Gather(axis, order), order);
    }
}
