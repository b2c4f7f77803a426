using System.Text.Json;

namespace Vitrine.Experiments.Tests;

/// <summary>
/// SqueezeNet on real photographs against PyTorch and Pillow (Fixtures/squeezenet1_1.top5.json): decoding, resizing, preprocessing and the network together.
/// </summary>
public sealed class SqueezeNetTests
{
    private const double Tolerance = 0.005; // of the largest logit

    [Fact]
    public void Names_every_photo_as_PyTorch_does()
    {
        string data = Environment.GetEnvironmentVariable("VITRINE_DATA") ?? "", model = Path.Combine(data, "nets", "squeezenet1_1.onnx");
        Assert.SkipUnless(File.Exists(model) && Directory.Exists(Path.Combine(data, "photos")), "needs VITRINE_DATA with nets/squeezenet1_1.onnx and photos");
        Assert.SkipUnless(Render.JpegDecoder.IsAvailable, "needs libjpeg-turbo (libturbojpeg0)");
        var predictor = Predictor.Open(new PredictionOptions
        {
            Model = model,
            Preprocess = "caffe",
            Labels = Path.Combine(data, "photos", "imagenet_class_index.json"),
        });
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "squeezenet1_1.top5.json")));
        JsonProperty[] photos = [.. golden.RootElement.EnumerateObject()];
        IReadOnlyList<PicturePrediction> predictions = predictor.Ask([.. photos.Select(p => Path.Combine(data, "photos", p.Name))]);
        Assert.Equal(28, predictions.Count);
        foreach ((JsonProperty photo, PicturePrediction prediction) in photos.Zip(predictions))
        {
            Assert.Null(prediction.Error);
            (int Class, string Label, double Logit)[] expected =
            [
                .. photo.Value.EnumerateArray().Select(e => (e.GetProperty("class").GetInt32(), e.GetProperty("label").GetString()!,
                    e.GetProperty("logit").GetDouble())),
            ];
            double slack = Tolerance * expected[0].Logit;
            Assert.Equal(expected.Length, prediction.Answers.Count);
            foreach (((int Class, string Label, double Logit) e, RankedClass a) in expected.Zip(prediction.Answers))
            {
                Assert.InRange(a.Score, e.Logit - slack, e.Logit + slack);
                // Two classes closer than the tolerance may change places.
                int other = Array.FindIndex(expected, x => x.Class == a.Class);
                Assert.True(other >= 0 ? Math.Abs(expected[other].Logit - e.Logit) <= slack : e.Logit - expected[^1].Logit <= slack,
                    $"{photo.Name}: {a} in the place of {e}");
                if (other >= 0) Assert.Equal(expected[other].Label, a.Label);
            }
        }
    }
}
