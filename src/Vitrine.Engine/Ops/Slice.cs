using Vitrine.Ops;

namespace Vitrine.Ops
{
    /// <summary>Every step-th element of an axis between two positions.</summary>
    public sealed class SliceOp : Op
    {
        /// <summary>
        /// Takes <paramref name="count"/> positions of an axis (non-negative number) from <paramref name="start"/>, by steps that may be negative.
        /// </summary>
        public SliceOp(int axis, int start, int count, int step)
        {
            Axis = axis;
            Start = start;
            Count = count;
            Step = step;
        }

        /// <summary>The axis, non-negative.</summary>
        public int Axis { get; }

        /// <summary>The first position that is taken.</summary>
        public int Start { get; }

        /// <summary>How many positions are taken.</summary>
        public int Count { get; }

        /// <summary>How far apart they are; negative walks backwards.</summary>
        public int Step { get; }

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            Span<int> strides = stackalloc int[x.Rank];
            int offset = Locate(x.Shape, strides);
            return x.Device.Strided(x, x.Shape.With(Axis, Count), strides, offset);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new PutOp(this, node.Inputs[0].Shape).Apply(grad);

        private int Locate(Shape shape, Span<int> strides)
        {
            shape.Strides(strides);
            int offset = Count == 0 ? 0 : Start * strides[Axis];
            strides[Axis] *= Step;
            return offset;
        }

        /// <summary>The adjoint: zeros but where the slice was.</summary>
        private sealed class PutOp(SliceOp slice, Shape shape) : Op
        {
            public override string Name => "SlicePut";

            public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

            public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
            {
                Span<int> strides = stackalloc int[shape.Rank];
                int offset = slice.Locate(shape, strides);
                return inputs[0].Device.StridedPut(inputs[0], shape, strides, offset);
            }

            public override Tensor? Backward(Node node, Tensor grad, int input) => slice.Apply(grad);
        }
    }

    /// <summary>Tensors one after the other along an axis.</summary>
    /// <param name="axis">The axis, non-negative.</param>
    public sealed class ConcatOp(int axis) : Op
    {
        /// <summary>The axis along which the inputs follow one another.</summary>
        public int Axis => axis;

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | OpTraits.Linear;

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Shape first = inputs[0].Shape;
            int total = 0;
            foreach (Tensor input in inputs)
            {
                if (input.DType != inputs[0].DType) throw new ArgumentException("the parts must have one type");
                if (input.Rank != first.Rank || input.Shape.With(axis, 0) != first.With(axis, 0))
                {
                    throw new ArgumentException($"the parts must agree but along axis {axis}");
                }
                total += input.Shape[axis];
            }
            (int outer, _, int inner) = first.Around(axis);
            return inputs[0].Device.Concat(inputs, outer, inner, first.With(axis, total));
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input)
        {
            int start = 0;
            for (int i = 0; i < input; i++) start += node.Inputs[i].Shape[axis];
            return grad.Slice(axis, start, start + node.Inputs[input].Shape[axis]);
        }
    }

    /// <summary>Surrounds a tensor with a constant.</summary>
    public sealed class PadOp : Op
    {
        private readonly (int Before, int After)[] _pads;

        /// <summary>Adds (or, when negative, removes) positions before and after each axis.</summary>
        public PadOp(ReadOnlySpan<(int Before, int After)> pads, float value)
        {
            _pads = pads.ToArray();
            Value = value;
        }

        /// <summary>The positions added (or removed) before and after each axis.</summary>
        public IReadOnlyList<(int Before, int After)> Pads => _pads;

        /// <summary>What is put there.</summary>
        public float Value { get; }

        /// <inheritdoc/>
        public override OpTraits Traits => OpTraits.Reshaping | (Value == 0 ? OpTraits.Linear : OpTraits.None);

        /// <inheritdoc/>
        public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
        {
            Tensor x = inputs[0];
            if (_pads.Length != x.Rank) throw new ArgumentException($"there are {_pads.Length} pads for {x.Rank} axes");
            Span<int> dims = stackalloc int[x.Rank], strides = stackalloc int[x.Rank];
            for (int i = 0; i < x.Rank; i++)
            {
                int cut = Math.Min(_pads[i].Before, 0), kept = x.Shape[i] + cut + Math.Min(_pads[i].After, 0);
                if (kept < 0) throw new ArgumentException($"axis {i} is shorter than what the pads remove");
                if (kept != x.Shape[i]) x = new SliceOp(i, -cut, kept, 1).Forward([x]);
                dims[i] = kept + Math.Max(_pads[i].Before, 0) + Math.Max(_pads[i].After, 0);
            }
            var shape = Shape.Create(dims);
            shape.Strides(strides);
            int offset = 0;
            for (int i = 0; i < x.Rank; i++) offset += Math.Max(_pads[i].Before, 0) * strides[i];
            return x.Device.StridedPut(x, shape, strides, offset, Value);
        }

        /// <inheritdoc/>
        public override Tensor? Backward(Node node, Tensor grad, int input) => new PadOp([.. _pads.Select(p => (-p.Before, -p.After))], 0).Apply(grad);
    }
}

namespace Vitrine
{
    /// <summary>What <see cref="TensorOps.Pad"/> puts around a tensor.</summary>
    public enum Padding
    {
        /// <summary>One value.</summary>
        Constant,

        /// <summary>The tensor mirrored at its border, the border itself not repeated.</summary>
        Reflect,

        /// <summary>The border, repeated.</summary>
        Replicate,

        /// <summary>The tensor, repeated.</summary>
        Circular,
    }

    public static partial class TensorOps
    {
        /// <summary>
        /// Positions start, start + step, ... of an axis, up to but without end. Negative positions count from the end, as in Python and ONNX.
        /// </summary>
        /// <param name="x">The tensor.</param>
        /// <param name="axis">The axis; negative from the end.</param>
        /// <param name="start">The first position; null for the first there is.</param>
        /// <param name="end">The position to stop before; null for all there are.</param>
        /// <param name="step">Not zero; negative walks backwards.</param>
        public static Tensor Slice(this Tensor x, int axis, int? start, int? end = null, int step = 1)
        {
            ArgumentOutOfRangeException.ThrowIfZero(step);
            axis = x.Shape.Axis(axis);
            int n = x.Shape[axis];
            int lowest = step > 0 ? 0 : -1, highest = step > 0 ? n : n - 1;
            int from = Limit(start ?? (step > 0 ? 0 : n - 1), start is null);
            int to = end is null ? (step > 0 ? n : -1) : Limit(end.Value, false);
            int count = Math.Max(0, step > 0 ? (to - from + step - 1) / step : (to - from + step + 1) / step);
            return from == 0 && count == n && step == 1 ? x : new SliceOp(axis, from, count, step).Apply(x);

            int Limit(int position, bool given) => Math.Clamp(position < 0 && !given ? position + n : position, lowest, highest);
        }

        /// <summary>Cuts an axis into consecutive parts of the given sizes.</summary>
        /// <exception cref="ArgumentException">The sizes do not add up to the axis.</exception>
        public static Tensor[] Split(this Tensor x, ReadOnlySpan<int> sizes, int axis)
        {
            var parts = new Tensor[sizes.Length];
            int start = 0;
            for (int i = 0; i < sizes.Length; i++) parts[i] = x.Slice(axis, start, start += sizes[i]);
            if (start != x.Shape[axis])
            {
                throw new ArgumentException($"Split: sizes [{string.Join(", ", sizes.ToArray())}] do not add up to axis {axis} of {x.Shape}.");
            }
            return parts;
        }

        /// <summary>Tensors one after the other along an axis; all other extents must agree.</summary>
        public static Tensor Concat(int axis, params ReadOnlySpan<Tensor> parts) => new ConcatOp(parts[0].Shape.Axis(axis)).Apply(parts);

        /// <summary>Tensors of one shape side by side along a new axis.</summary>
        public static Tensor Stack(int axis, params ReadOnlySpan<Tensor> parts)
        {
            var lifted = new Tensor[parts.Length];
            for (int i = 0; i < parts.Length; i++) lifted[i] = parts[i].Unsqueeze(axis);
            return Concat(axis, lifted);
        }

        /// <summary>Surrounds a tensor; (before, after) for each axis. Negative constant pads remove positions.</summary>
        public static Tensor Pad(this Tensor x, ReadOnlySpan<(int Before, int After)> pads, Padding mode = Padding.Constant, float value = 0)
        {
            if (mode == Padding.Constant) return new PadOp(pads, value).Apply(x);
            for (int axis = 0; axis < x.Rank; axis++)
            {
                (int before, int after) = pads[axis];
                if (before == 0 && after == 0) continue;
                int n = x.Shape[axis];
                if (n == 0) throw new ArgumentException($"Pad: axis {axis} of {x.Shape} has nothing to repeat.");
                if (mode == Padding.Reflect && Math.Max(before, after) >= n)
                {
                    throw new ArgumentException($"Pad: axis {axis} of {x.Shape} is too short to be mirrored by {Math.Max(before, after)}.");
                }
                if (before + n + after < 0) throw new ArgumentException($"Pad: axis {axis} of {x.Shape} is shorter than what the pads remove.");
                long[] index = new long[before + n + after];
                for (int i = 0; i < index.Length; i++)
                {
                    int at = i - before;
                    index[i] = mode switch
                    {
                        Padding.Replicate => Math.Clamp(at, 0, n - 1),
                        Padding.Circular => (at % n + n) % n,
                        _ => at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at,
                    };
                }
                x = x.IndexSelect(axis, Tensor.From(index, [index.Length]));
            }
            return x;
        }
    }
}
