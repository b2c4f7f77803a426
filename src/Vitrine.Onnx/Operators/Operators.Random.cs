namespace Vitrine.Onnx;

/// <content>Random numbers: those of the run, so that its seed decides; seeds in the file, of other generators, mean nothing here.</content>
internal static partial class Operators
{
    [Onnx(1, Volatile = true)]
    private static Value RandomUniform(Call call, long[] shape, int dtype = 1, float high = 1, float low = 0, float seed = 0)
    {
        _ = seed;
        call.Room(shape);
        return As(Value.Of(call.Run.Random.Uniform(Vitrine.Shape.Create([.. shape.Select(e => (int)e)]), low, high)), (ElementType)dtype);
    }

    [Onnx(1, Volatile = true)]
    private static Value RandomNormal(Call call, long[] shape, int dtype = 1, float mean = 0, float scale = 1, float seed = 0)
    {
        _ = seed;
        call.Room(shape);
        return As(Value.Of(call.Run.Random.Normal(Vitrine.Shape.Create([.. shape.Select(e => (int)e)]), mean, scale)), (ElementType)dtype);
    }

    [Onnx(1, Volatile = true)]
    private static Value RandomUniformLike(Call call, Value input, int dtype = 0, float high = 1, float low = 0, float seed = 0)
    {
        _ = seed;
        return As(Value.Of(call.Run.Random.Uniform(input.Tensor.Shape, low, high)), dtype == 0 ? input.Type : (ElementType)dtype);
    }

    [Onnx(1, Volatile = true)]
    private static Value RandomNormalLike(Call call, Value input, int dtype = 0, float mean = 0, float scale = 1, float seed = 0)
    {
        _ = seed;
        return As(Value.Of(call.Run.Random.Normal(input.Tensor.Shape, mean, scale)), dtype == 0 ? input.Type : (ElementType)dtype);
    }

    [Onnx(15, Volatile = true)]
    private static Value Bernoulli(Call call, Value input, int dtype = 0, float seed = 0)
    {
        _ = seed;
        Tensor drawn = call.Run.Random.Uniform(input.Tensor.Shape).Less(input.Tensor.Detach()).Cast(DType.Float32);
        return As(Value.Of(drawn), dtype == 0 ? input.Type : (ElementType)dtype);
    }

    [Onnx(7, Volatile = true)]
    private static Value Multinomial(Call call, Tensor input, int dtype = 6, int sampleSize = 1, float seed = 0)
    {
        _ = seed;
        int rows = input.Shape[0], classes = input.Shape[1];
        long[] drawn = new long[call.Room(rows, sampleSize)];
        float[] chances = input.Detach().Softmax(1).ToArray(), uniform = call.Run.Random.Uniform([drawn.Length]).ToArray();
        for (int i = 0; i < drawn.Length; i++)
        {
            double left = uniform[i];
            int row = i / sampleSize, k = 0;
            while (k < classes - 1 && (left -= chances[row * classes + k]) >= 0) k++;
            drawn[i] = k;
        }
        return As(Value.Of(Tensor.From(drawn, [rows, sampleSize])), (ElementType)dtype);
    }
}
