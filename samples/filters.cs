// What do the first filters look for, before and after training?  dotnet run samples/filters.cs
#:project ../src/Vitrine.Experiments/Vitrine.Experiments.csproj
using Vitrine;
using Vitrine.Data;
using Vitrine.Experiments;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Render;

var net = new LeNet5(Weights.Random(seed: 1));
var digits = Digits.Generate(train: 3_000, test: 600, seed: 1);

ImageGrid.OfFilters(Filters.First(net), columns: 6, tile: 80).Save("runs/filters-before.png");
new Trainer(net, new Adam(2e-3)).Fit(digits.Train, epochs: 3);
ImageGrid.OfFilters(Filters.First(net), columns: 6, tile: 80).Save("runs/filters-after.png");

// And what they answer to one digit: the maps of conv1, one beside the other.
var maps = Network.Activations(net, digits.Test[4].Image).First(a => a.Key == "conv1").Value;     // [1, 6, 28, 28]
var grid = new ImageGrid(columns: 6) { Title = $"conv1 looks at a {digits.Test[4].Label}" };
for (int c = 0; c < maps.Shape[1]; c++) grid.Add(HeatMap.Of(maps.ToPlane(c)).Signed().Scale(4).ToPicture(), $"filter {c + 1}");
grid.Save("runs/maps.png");
Console.WriteLine("See filters-before.png, filters-after.png and maps.png in runs: red wants ink, blue wants none.");
