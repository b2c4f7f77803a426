using Vitrine.Models;

namespace Vitrine.Insight.Tests;

public sealed class InfluenceTests
{
    [Fact]
    public void TwoVariableExample()
    {
        // f(x, y) = x^2 + x y at (0, 0.5): df/dx = 2x + y = 0.5, df/dy = x = 0.
        Tensor x = Tensor.Scalar(0).Watch(), y = Tensor.Scalar(0.5f).Watch();
        Gradients gradients = Autograd.Backward(x * x + x * y, null, [x, y]);
        Assert.Equal(0.5f, gradients[x].Item());
        Assert.Equal(0f, gradients[y].Item());
    }

    [Fact]
    public void NeuronOnNeuronEqualsFiniteDifference()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input.Slice(0, 0, 1);
        var from = new Place("pool1", 2, 5, 6);
        var to = new Place("fc2", 17);
        float found = Influence.Between(net, input, from, to)[0];
        const float step = 1e-2f;
        float difference = (Moved(step) - Moved(-step)) / (2 * step);
        Assert.Equal(difference, found, 3e-3f);

        float Moved(float by)
        {
            var run = new Run(fused: false).Tap("fc2").Edit("pool1", t =>
            {
                float[] elements = t.ToArray();
                elements[(2 * 14 + 5) * 14 + 6] += by;
                return Tensor.From(elements, t.Shape);
            });
            net.Call(run, input);
            return run.Taps["fc2"][0, 17];
        }
    }

    [Fact]
    public void LaterPlacesDoNotInfluenceEarlierOnes()
    {
        Tensor map = Influence.Map(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, new Place("fc1"), new Place("conv1", 0, 0, 0));
        Assert.All(map.ToArray(), v => Assert.Equal(0f, v));
    }

    [Fact]
    public void UnknownPlaceIsNamedWithThoseThereAre()
    {
        var error = Assert.Throws<ArgumentException>(() => Influence.Map(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Place.Input(), new Place("conv9", 0)));
        Assert.Contains("conv9", error.Message, StringComparison.Ordinal);
        Assert.Contains("conv2", error.Message, StringComparison.Ordinal);
    }
}
