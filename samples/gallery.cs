// One network, one digit of each kind, four ways to ask why: the picture of the README.  dotnet run samples/gallery.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Experiments;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

var net = new LeNet5(Weights.Random(seed: 1));
var digits = Digits.Generate(train: 10_000, test: 2_000, seed: 1);
new Trainer(net, new Adam(3e-3)) { Schedule = Schedules.OneCycle() }.Fit(digits.Train, epochs: 3);

IAttribution[] methods = [new Gradient(absolute: true), new InputXGradient(), new GuidedBackprop(), new Deconvnet()];
var grid = new ImageGrid(columns: 8) { RowTitles = ["input", .. methods.Select(m => m.Name)], Padding = 4 };
int[] shown = [.. Enumerable.Range(1, 8).Select(k => Enumerable.Range(0, 2_000).First(i => digits.Test[i].Label == k))];
foreach (int i in shown) grid.Add(Picture.Of(digits.Test[i].Image).ScaleUp(3));
foreach (IAttribution method in methods)
{
    foreach (int i in shown)
    {
        var why = method.Explain(net, digits.Test[i].Image, Target.Top);
        grid.Add(HeatMap.Of(why).Scale(3).ToPicture());
    }
}
grid.Save("gallery.png");
Console.WriteLine("gallery.png: where LeNet-5 looks, by four methods.");
