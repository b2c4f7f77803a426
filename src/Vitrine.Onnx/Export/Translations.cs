using Vitrine.Ops;
using static Vitrine.Onnx.Messages;

namespace Vitrine.Onnx;

/// <summary>How each operator of the engine is written: a function that adds its nodes and gives the name of the result.</summary>
internal static partial class Translations
{
    /// <summary>The oldest operator set that is written.</summary>
    public const int Oldest = 17;

    private static readonly Dictionary<Type, (int Since, Func<GraphWriter, string> Write)> All = new()
    {
        [typeof(AbsOp)] = Same("Abs"),
        [typeof(SignOp)] = Same("Sign"),
        [typeof(ExpOp)] = Same("Exp"),
        [typeof(LogOp)] = Same("Log"),
        [typeof(Log1pOp)] = (Oldest, g => g.Add("Log", [g.Add("Add", [g.Input(0), g.Constant(1)])])),
        [typeof(SqrtOp)] = Same("Sqrt"),
        [typeof(RsqrtOp)] = (Oldest, g => g.Add("Reciprocal", [g.Add("Sqrt", [g.Input(0)])])),
        [typeof(ReciprocalOp)] = Same("Reciprocal"),
        [typeof(SinOp)] = Same("Sin"),
        [typeof(CosOp)] = Same("Cos"),
        [typeof(TanOp)] = Same("Tan"),
        [typeof(AsinOp)] = Same("Asin"),
        [typeof(AcosOp)] = Same("Acos"),
        [typeof(AtanOp)] = Same("Atan"),
        [typeof(SinhOp)] = Same("Sinh"),
        [typeof(CoshOp)] = Same("Cosh"),
        [typeof(AsinhOp)] = Same("Asinh"),
        [typeof(AcoshOp)] = Same("Acosh"),
        [typeof(AtanhOp)] = Same("Atanh"),
        [typeof(TanhOp)] = Same("Tanh"),
        [typeof(SigmoidOp)] = Same("Sigmoid"),
        [typeof(SoftplusOp)] = Same("Softplus"),
        [typeof(ErfOp)] = Same("Erf"),
        [typeof(SquareOp)] = (Oldest, g => g.Add("Mul", [g.Input(0), g.Input(0)])),
        [typeof(ReluOp)] = Same("Relu"),
        [typeof(GeluOp)] = Same("Gelu", since: 20),
        [typeof(GeluTanhOp)] = (20, g => g.Add("Gelu", [g.Input(0)], Attribute("approximate", "tanh"))),
        [typeof(SiluOp)] = (Oldest, g => g.Add("Mul", [g.Input(0), g.Add("Sigmoid", [g.Input(0)])])),
        [typeof(MishOp)] = Same("Mish", since: 18),
        [typeof(HardSigmoidOp)] = (Oldest, g => g.Add("HardSigmoid", [g.Input(0)], Attribute("alpha", 1 / 6f), Attribute("beta", 0.5f))),
        [typeof(HardSwishOp)] = Same("HardSwish"),
        [typeof(SoftsignOp)] = Same("Softsign"),
        [typeof(FloorOp)] = Same("Floor"),
        [typeof(CeilingOp)] = Same("Ceil"),
        [typeof(RoundOp)] = Same("Round"),
        [typeof(AffineOp)] = (Oldest, Affine),
        [typeof(LeakyReluOp)] = (Oldest, g => g.Add("LeakyRelu", [g.Input(0)], Attribute("alpha", Unary(g).A))),
        [typeof(EluOp)] = (Oldest, g => g.Add("Elu", [g.Input(0)], Attribute("alpha", Unary(g).A))),
        [typeof(SeluOp)] = (Oldest, g => g.Add("Selu", [g.Input(0)], Attribute("alpha", Unary(g).A), Attribute("gamma", Unary(g).B))),
        [typeof(ClampOp)] = (Oldest, Clamp),
        [typeof(PowerOp)] = (Oldest, g => g.Add("Pow", [g.Input(0), g.Constant(Unary(g).A)])),
        [typeof(PReluOp)] = Same("PRelu"),
        [typeof(SoftmaxOp)] = (Oldest, Softmax),
        [typeof(AddOp)] = Same("Add"),
        [typeof(SubtractOp)] = Same("Sub"),
        [typeof(MultiplyOp)] = Same("Mul"),
        [typeof(DivideOp)] = Same("Div"),
        [typeof(PowOp)] = Same("Pow"),
        [typeof(MaximumOp)] = Same("Max"),
        [typeof(MinimumOp)] = Same("Min"),
        [typeof(WhereOp)] = Same("Where"),
        [typeof(CompareOp)] = (Oldest, Compare),
        [typeof(CastOp)] = (Oldest, g => g.Add("Cast", [g.Input(0)], Attribute("to", (long)ElementTypes.Of(((CastOp)g.Own.Op).DType)))),
        [typeof(SumOp)] = (Oldest, g => Reduce(g, "ReduceSum", g.Own, g.Other)),
        [typeof(ProductOp)] = (Oldest, g => Reduce(g, "ReduceProd", g.Own, g.Other)),
        [typeof(ExtremeOp)] = (Oldest, g => Reduce(g, ((ExtremeOp)g.Own.Op).Largest ? "ReduceMax" : "ReduceMin", g.Own, g.Other)),
        [typeof(CumSumOp)] = (Oldest, CumSum),
        [typeof(ReshapeOp)] = (Oldest, Reshape),
        [typeof(ExpandOp)] = (Oldest, g => g.Add("Expand", [g.Input(0), g.Extents(g.Own.Output.Shape, g.Other.Output.Shape)])),
        [typeof(PermuteOp)] = (Oldest, Permute),
        [typeof(SliceOp)] = (Oldest, Slice),
        [typeof(ConcatOp)] = (Oldest, g => g.Add("Concat", g.Inputs(), Attribute("axis", ((ConcatOp)g.Own.Op).Axis))),
        [typeof(PadOp)] = (Oldest, Pad),
        [typeof(IndexSelectOp)] = (Oldest, g => g.Add("Gather", g.Inputs(), Attribute("axis", ((IndexSelectOp)g.Own.Op).Axis))),
        [typeof(IndexSelectOp.PutOp)] = (Oldest, IndexAdd),
        [typeof(GatherOp)] = (Oldest, g => g.Add("GatherElements", g.Inputs(), Attribute("axis", ((GatherOp)g.Own.Op).Axis))),
        [typeof(ScatterAddOp)] = (Oldest, ScatterAdd),
        [typeof(ScatterOp)] = (Oldest, g => g.Add("ScatterElements", [g.Input(0), g.Input(2), g.Input(1)], Attribute("axis", ((ScatterOp)g.Own.Op).Axis))),
        [typeof(ResampleOp)] = (Oldest, Resample),
        [typeof(GridSampleOp)] = (Oldest, GridSample),
        [typeof(MatMulOp)] = (Oldest, MatMul),
        [typeof(LinearOp)] = (Oldest, Linear),
        [typeof(Conv2dOp)] = (Oldest, Convolution),
        [typeof(ConvTranspose2dOp)] = (Oldest, TransposedConvolution),
        [typeof(MaxPool2dOp)] = (Oldest, MaxPool),
        [typeof(AvgPool2dOp)] = (Oldest, AvgPool),
        [typeof(AdaptiveMaxPool2dOp)] = (Oldest, AdaptiveMaxPool),
        [typeof(BatchNormOp)] = (Oldest, g => g.Add("BatchNormalization", g.Inputs(), Attribute("epsilon", ((BatchNormOp)g.Own.Op).Epsilon))),
        [typeof(LayerNormOp)] = (Oldest, LayerNorm),
        [typeof(GroupNormOp)] = (21, GroupNorm),
        [typeof(RecurrentOp)] = (Oldest, Recurrent),
    };

    /// <summary>How an operator is written, and the first operator set that has what it needs; null where nothing is known.</summary>
    public static (int Since, Func<GraphWriter, string> Write)? Find(Op op) => All.TryGetValue(op.GetType(), out var found) ? found : null;

    /// <summary>Whether an operator can be written.</summary>
    public static bool Knows(Type op) => All.ContainsKey(op);

    /// <summary>An operator that the format has too, with the same inputs and no attributes.</summary>
    private static (int Since, Func<GraphWriter, string> Write) Same(string type, int since = Oldest) => (since, g => g.Add(type, g.Inputs()));

    private static UnaryOp Unary(GraphWriter g) => (UnaryOp)g.Own.Op;

    private static string Affine(GraphWriter g)
    {
        var op = (AffineOp)g.Own.Op;
        Tensor own = g.Own.Inputs[0], other = g.Other.Inputs[0];
        // A mean is a sum that is divided by the number of its terms.
        if (op.Shift == 0 && own.Source is { Op: SumOp } sum && other.Source is { Op: SumOp } otherSum && op.Scale == own.Count / (float)sum.Inputs[0].Count)
        {
            return Reduce(g, "ReduceMean", sum, otherSum);
        }
        string x = g.Input(0);
        if (op.Scale == -1) return op.Shift == 0 ? g.Add("Neg", [x]) : g.Add("Sub", [g.Constant(op.Shift), x]);
        if (op.Scale != 1) x = g.Add("Mul", [x, g.Constant(op.Scale)]);
        return op.Shift == 0 ? x : g.Add("Add", [x, g.Constant(op.Shift)]);
    }

    private static string Clamp(GraphWriter g)
    {
        (float low, float high) = (Unary(g).A, Unary(g).B);
        return g.Add("Clip", [g.Input(0), float.IsFinite(low) ? g.Constant(low) : "", float.IsFinite(high) ? g.Constant(high) : ""]);
    }

    private static string Softmax(GraphWriter g)
    {
        var op = (SoftmaxOp)g.Own.Op;
        return g.Add(op.Log ? "LogSoftmax" : "Softmax", [g.Input(0)], Attribute("axis", g.Own.Output.Shape.Axis(op.Axis)));
    }

    private static string Compare(GraphWriter g) => ((CompareOp)g.Own.Op).Kind switch
    {
        Comparison.Equal => g.Add("Equal", g.Inputs()),
        Comparison.NotEqual => g.Add("Not", [g.Add("Equal", g.Inputs())]),
        Comparison.Less => g.Add("Less", g.Inputs()),
        Comparison.LessOrEqual => g.Add("LessOrEqual", g.Inputs()),
        Comparison.Greater => g.Add("Greater", g.Inputs()),
        _ => g.Add("GreaterOrEqual", g.Inputs()),
    };

    private static string Reduce(GraphWriter g, string type, Node own, Node other)
    {
        var op = (ReduceOp)own.Op;
        Tensor x = own.Inputs[0];
        string name = g.Name(x, other.Inputs[0]);
        int[] axes = op.Axes.Count == 0 ? [.. Enumerable.Range(0, x.Rank)] : [.. op.Axes.Select(x.Shape.Axis).Order()];
        if (axes.Length == 0) return g.Add("Identity", [name]); // of a scalar
        // Axes became an input with operator set 13 (sums) and 18 (the others).
        Proto.AttributeProto keep = Attribute("keepdims", op.KeepDims ? 1 : 0);
        return type == "ReduceSum" || g.OperatorSet >= 18
            ? g.Add(type, [name, g.Integers([.. axes.Select(a => (long)a)])], keep)
            : g.Add(type, [name], Attribute("axes", axes), keep);
    }

    private static string CumSum(GraphWriter g)
    {
        var op = (CumSumOp)g.Own.Op;
        string axis = g.Constant(Vitrine.Tensor.From([(long)g.Own.Output.Shape.Axis(op.Axis)], Shape.Scalar));
        return g.Add("CumSum", [g.Input(0), axis], Attribute("reverse", op.Reverse ? 1 : 0));
    }
}
