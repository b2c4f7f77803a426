using System.Globalization;
using System.Runtime.InteropServices;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The exhibits of the tour and the words beside them, in the order in which they tell the story to a stranger.</summary>
internal sealed class TourReport
{
    private const int Mistakes = 9;

    private readonly TrainedLeNet _trained;
    private readonly TourOptions _options;
    private readonly int _epochs;
    private readonly string _pictures;
    private readonly Module _network;
    private readonly Dataset _test;
    private readonly IReadOnlyList<string> _classes;
    private readonly int[] _subjects;
    private readonly HtmlReport _page;
    private readonly bool _digits;

    public TourReport(TrainedLeNet trained, TourOptions options, int epochs, string folder)
    {
        _trained = trained;
        _options = options;
        _epochs = epochs;
        _pictures = Path.Combine(folder, "pictures");
        _network = trained.Network;
        _test = trained.Source.Split.Test;
        _classes = _test.Classes;
        _digits = _classes.All(c => c.Length == 1);
        _subjects = Subjects();
        _page = new HtmlReport(_trained.Source.One == "picture"
            ? "A network learned to tell pictures apart. This is what it sees."
            : $"A network learned to recognise {Many}. This is what it sees.")
        { Kicker = "Vitrine: a tour of LeNet-5" };
    }

    private string Many => _trained.Source.Many;

    private string One => _trained.Source.One;

    private string Ink => One == "digit" ? "ink" : "light";

    private string Strokes => One == "digit" ? "strokes" : "edges";

    private static int Batch { get; } = new TrainingOptions().BatchSize;

    /// <summary>Asks every question and adds every exhibit.</summary>
    public void Ask()
    {
        ShowQuestion();
        ShowData();
        ShowLearning();
        ShowConfusion();
        ShowMistakes();
        ShowFilters();
        ShowLayers();
        ShowExplanations();
        ShowInfluence();
    }

    /// <summary>Adds what is known only at the end, and returns the page.</summary>
    public HtmlReport Compose(TourResult result)
    {
        int wrong = _test.Count - _trained.Test.Predicted.Where((p, i) => p == _test.Labels.Longs[i]).Count();
        _page.Lead = $"{Number(result.TrainExamples)} {Many}, {_trained.Source.Origin}, were shown to it {Times(result.Epochs.Count)}. Then it was asked " +
            $"about " +
            $"{Number(_test.Count)} others that it had never seen, and named {Percent(result.TestAccuracy)} of them rightly. Below: how it learned, where " +
                $"it errs, and what it looks at.";
        _page.Facts(
            ("right on unseen " + Many, Percent(result.TestAccuracy)),
            ($"mistakes in {Number(_test.Count)}", Number(wrong)),
            ("to train", Duration(result.TrainSeconds)),
            ("numbers it learned", Number(result.Parameters)));
        ReportSection made = _page.Section("How this was made");
        made.Text("The same command with the same seed gives the same network, to the last bit of every weight, on one processor core or on many.");
        made.Code($"vitrine tour --data {_options.Data} --seed " +
            $"{_options.Seed}{(_options.Epochs is { } e ? $" --epochs {e}" : "")}{(_options.Examples is { } n ? $" --examples {n}" : "")}");
        made.Table(["what", "how"],
        [
            ["Network", $"LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998), with ReLU and max pooling; {Number(result.Parameters)} weights"],
            ["Data", $"{_trained.Source.Title}: {Number(result.TrainExamples)} {Many} to learn from, {Number(result.TestExamples)} to be judged by"],
            ["Training", $"Adam, learning rate {new TrainingOptions().LearningRate} falling to nothing along a cosine, steps of {Batch} {Many}, " +
                $"{Times(_epochs)} through the data, seed {_options.Seed}"],
            ["Speed", $"{Number((int)_trained.ExamplesPerSecond)} {Many} a second on {Environment.ProcessorCount} processor cores"],
            ["Loss on unseen " + Many, result.TestLoss.ToString("0.0000", CultureInfo.InvariantCulture)],
            ["Versions", $"Vitrine {Tour.Version}, .NET {Environment.Version}, {RuntimeInformation.OSArchitecture}"],
        ]);
        made.Text($"Beside this page lie the weights (`{Tour.WeightsName}`, which other frameworks read too), the figures (`{Tour.ResultsName}`) and every " +
            $"picture as a file of its own (`pictures`).");
        _page.Footer = $"Made by Vitrine {Tour.Version}: deep learning that you can see through, for .NET. This page loads nothing from anywhere and runs " +
            $"no script.";
        return _page;
    }

    private void ShowQuestion()
    {
        int subject = _subjects[0], top = _trained.Test.Predicted[subject];
        Tensor image = _test[subject].Image;
        float[] scores = _network.Predict(image).ToArray();
        int second = Enumerable.Range(0, scores.Length).Where(k => k != top).MaxBy(k => scores[k]);
        ReportSection section = _page.Section($"Why {A(top)}, and not {A(second)}?");
        section.Text($"The network says that this is {A(top)}, and is {Sure(_trained.Test.Confidence[subject])} sure. Its second guess would have been " +
            $"{A(second)}. " +
            $"A network can be asked why, pixel by pixel: on the right, red {Ink} spoke for the first answer against the second, blue {Ink} for the second " +
                $"against the first.");
        Picture picture = Picture.Of(image).ScaleUp(10);
        Picture why = HeatMap.Of(Versus(image, top, second)).Signed().Over(image).Scale(10).ToPicture();
        section.Row(
            Figure.Of(picture, $"A picture of {A(Label(subject))}.", "What it was given"),
            Figure.Of(Kept(why, "why"), $"The same picture; red where the {Ink} spoke for {A(top)}, blue where it spoke for {A(second)}.",
                $"What made it {A(top)} rather than {A(second)}"));
    }

    private void ShowData()
    {
        ReportSection section = _page.Section("What it was shown");
        int classes = Math.Min(10, _classes.Count);
        // Names do not fit above a tile; then the order in the caption has to do.
        var grid = new ImageGrid(classes) { Padding = 6, Background = null, ColumnTitles = _digits ? [.. _classes.Take(classes)] : [] };
        var rows = new Queue<int>[classes];
        for (int c = 0; c < classes; c++) rows[c] = new Queue<int>(Enumerable.Range(0, _trained.Source.Split.Train.Count).Where(i =>
            _trained.Source.Split.Train.Labels.Longs[i] == c).Take(4));
        int deepest = Math.Max(1, rows.Min(r => r.Count));
        for (int row = 0; row < deepest; row++)
        {
            foreach (Queue<int> column in rows)
                if (column.TryDequeue(out int i)) grid.Add(Picture.Of(_trained.Source.Split.Train[i].Image).ScaleUp(2));
        }
        string order = _digits ? "" : $" From left to right: {string.Join(", ", _classes.Take(classes))}.";
        section.Text($"Each picture has 28 x 28 grey pixels, and a label that says what it is. Nobody told the network what makes {A(Label(_subjects[0]))} " +
            $"{A(Label(_subjects[0]), known: true)}: it had to find that out from the examples.");
        section.Figure(Figure.Of(Kept(grid.ToPicture(), "data"), $"{deepest * classes} training pictures in {classes} columns, one column for each of the " +
            $"classes {string.Join(", ", _classes.Take(classes))}.",
            $"Some of the {Many} it learned from, a column for each kind.{order}", width: null));
    }

    private void ShowLearning()
    {
        TrainingLog log = _trained.Log;
        ReportSection section = _page.Section("How it learned");
        section.Text($"At first it guesses. After every {Batch} {Many} each weight is moved a little in the direction that would have made the right " +
            $"answers likelier. " +
            "One walk through all the training data is an epoch. The loss is the surprise at the right answer: 2.3 for guessing among ten, 0 for being " +
                "certain and right.");
        double[] x = [.. log.Epochs.Select(e => (double)e.Number)];
        var accuracy = new LineChart("Right answers, per cent") { XLabel = "epoch", Width = 400, Height = 280 };
        accuracy.Add("while learning", x, [.. log.Epochs.Select(e => 100 * e.Accuracy)], markers: true, dashed: true);
        accuracy.Add("on unseen " + Many, x, [.. log.Epochs.Select(e => 100 * e.ValidationAccuracy)], markers: true);
        var loss = new LineChart("Loss at single steps") { XLabel = $"step ({Batch} {Many} each)", Width = 400, Height = 280, LogY = true };
        double[] steps = [.. log.Losses.Select(p => (double)p.Step)];
        loss.Add("step", steps, [.. log.Losses.Select(p => (double)p.Loss)]);
        loss.Add("running mean", steps, Smooth([.. log.Losses.Select(p => (double)p.Loss)]));
        section.Row(
            Figure.Of(Kept(accuracy.ToSvg(), "accuracy"), "The dashed line counts answers given while the weights were still changing, so it can start " +
                "lower than the other. If it climbs while the other falls, the network is learning its examples by heart."),
            Figure.Of(Kept(loss.ToSvg(), "loss"), "Most is learned in the first moments. The scale is logarithmic: equal ways down divide the loss by " +
                "equal factors."));
        section.Details("The numbers, epoch by epoch", inside => inside.Table(["epoch", "right, learning", "right, unseen", "loss, unseen"],
            log.Epochs.Select(e => (IReadOnlyList<string>)[$"{e.Number}", Percent(e.Accuracy), Percent(e.ValidationAccuracy),
                e.ValidationLoss.ToString("0.0000", CultureInfo.InvariantCulture)])));
    }

    private void ShowConfusion()
    {
        ReportSection section = _page.Section("What it takes for what");
        var confusion = Confusion.Of(_trained.Test);
        var pairs = new List<(int Count, int Actual, int Predicted)>();
        for (int a = 0; a < _classes.Count; a++)
            for (int p = 0; p < _classes.Count; p++)
                if (a != p && confusion[a, p] > 0) pairs.Add((confusion[a, p], a, p));
        pairs.Sort((u, v) => v.Count.CompareTo(u.Count));
        string sentence = pairs.Count == 0 ? "It took nothing for anything else: all answers were right."
            : $"The commonest confusion: {A(pairs[0].Actual)} taken for {A(pairs[0].Predicted)}, {Times(pairs[0].Count)}." +
              (pairs.Count > 1 ? $" Next: {A(pairs[1].Actual)} taken for {A(pairs[1].Predicted)}, {Times(pairs[1].Count)}." : "");
        section.Text($"A row for what the picture is, a column for what the network called it. Right answers lie on the diagonal, in blue; everything " +
            $"beside it is a mistake. {sentence}");
        var matrix = ConfusionMatrix.Of(confusion);
        matrix.Title = $"The {Number(_test.Count)} unseen {Many}";
        section.Figure(Figure.Of(Kept(matrix.ToSvg(), "confusion"), "The last column, recall, is the share of each row that was named rightly."));
    }

    private void ShowMistakes()
    {
        IReadOnlyList<Mistake> mistakes = Mistake.MostConfident(_trained.Test, Mistakes);
        ReportSection section = _page.Section("Where it was sure, and wrong");
        if (mistakes.Count == 0)
        {
            section.Text($"It made no mistake on the {Number(_test.Count)} unseen {Many}.");
            return;
        }
        section.Text("The mistakes it was surest of. Beside each picture stands the reason: every pixel is coloured by how much it spoke for the wrong " +
            "answer (red) " +
            "or for the right one (blue). Some are the network's fault; with others, ask yourself whether you would have done better.");
        var figures = new List<Figure>();
        var all = new ImageGrid(3) { Padding = 12 };
        foreach (Mistake mistake in mistakes)
        {
            Tensor image = _test[mistake.Index].Image;
            Attribution why = Versus(image, mistake.Predicted, mistake.Actual);
            Picture pair = Pair(Picture.Of(image).ScaleUp(5), HeatMap.Of(why).Signed().Over(image).Scale(5).ToPicture());
            string caption = $"{Capital(A(mistake.Actual))}, called {A(mistake.Predicted)} ({Sure(mistake.Confidence)} sure)";
            all.Add(pair, caption);
            figures.Add(Figure.Of(pair, $"Left, the picture of {A(mistake.Actual)}; right, the same picture with the pixels that spoke for " +
                $"{A(mistake.Predicted)} in red and those that spoke for {A(mistake.Actual)} in blue.", caption));
        }
        section.Row(figures);
        Keep(all.ToPicture(), "mistakes");
        section.Note("How it is computed: input times gradient (Shrikumar et al. 2016) of the score of the wrong answer minus the score of the right one.");
    }

    private void ShowFilters()
    {
        ReportSection section = _page.Section("The first thing it looks for");
        Parameter filters = Filters.First(_network);
        int count = filters.Value.Shape[0], side = filters.Value.Shape[2];
        section.Text($"The first layer, `conv1`, slides {count} little patterns of {side} x {side} weights over the picture. Red weights want {Ink}, blue " +
            $"ones want none, white ones do not care: " +
            "a filter that is red on one side and blue on the other answers to edges in that direction. They began as noise; these shapes were learned.");
        Tensor image = _test[_subjects[0]].Image;
        Tensor maps = Network.Activations(_network, image).First(a => a.Key == "conv1").Value;
        double limit = Peak(maps);
        var figures = new List<Figure>();
        for (int f = 0; f < count; f++)
        {
            float[,] weights = new float[side, side];
            for (int y = 0; y < side; y++)
                for (int x = 0; x < side; x++)
                    weights[y, x] = filters.Value[f, 0, y, x];
            Picture filter = HeatMap.Of(weights).Signed().Robust(100).Scale(1).ToPicture().Resize(112, 112);
            Picture answer = HeatMap.Of(maps.ToPlane(f)).Signed().UpTo(limit).Scale(4).ToPicture();
            figures.Add(Figure.Of(Pair(filter, answer), $"Left, the {side} x {side} weights of filter {f + 1}; right, its answer to the picture of " +
                $"{A(Label(_subjects[0]))}.", $"Filter {f + 1}, and its answer"));
        }
        section.Row(figures);
        Keep(ImageGrid.OfFilters(filters, columns: count, tile: 80).ToPicture(), "filters");
        section.Note($"Each filter has its own scale: its strongest weight gets full colour. The answers share one scale and are to one picture, " +
            $"{A(Label(_subjects[0]))}.");
    }

    private void ShowLayers()
    {
        int subject = _subjects[0];
        Tensor image = _test[subject].Image;
        ReportSection section = _page.Section("One picture, layer by layer");
        section.Text($"Follow a single {One} through the network. Each layer answers with maps, one for each pattern it knows; bright is a strong answer. " +
            "Layer after layer the maps get smaller and say less about where, and more about what.");
        section.Figure(Figure.Of(Picture.Of(image).ScaleUp(6), $"The picture that is followed: {A(Label(subject))}.",
            $"The input, 1 x 28 x 28: {A(Label(subject))} it had never seen."));
        IReadOnlyList<KeyValuePair<string, Tensor>> layers = Network.Activations(_network, image);
        foreach ((string scope, Tensor value) in layers)
        {
            if (value.Rank == 4) section.Heading($"`{scope}`: {value.Shape[1]} maps of {value.Shape[2]} x {value.Shape[3]}");
            else if (scope == "fc3") section.Heading($"`{scope}`: {value.Shape[1]} scores, one for each answer");
            else section.Heading($"`{scope}`: {value.Shape[1]} numbers");
            section.Text(LookFor(scope));
            if (scope == "fc3") Answers(section, value, subject);
            else if (value.Rank == 4) section.Figure(Maps(scope, value));
            else if (scope != "flatten") section.Figure(Units(scope, value));
        }
    }

    // The difference of two scores asks "why this rather than that", which one score alone does not answer.
    private Attribution Versus(Tensor image, int first, int second) => new InputXGradient().Explain(_network, image, Target.Of(
        "first minus second", output => (output.Slice(1, first, first + 1) - output.Slice(1, second, second + 1)).Flatten().Sum([1])));

    private Figure Maps(string scope, Tensor value)
    {
        int channels = value.Shape[1], side = value.Shape[2];
        bool signed = scope.StartsWith("conv", StringComparison.Ordinal);
        double limit = Peak(value);
        var grid = new ImageGrid(channels <= 6 ? channels : 8) { Padding = 6, Background = null };
        for (int c = 0; c < channels; c++)
        {
            var map = HeatMap.Of(value.ToPlane(c)).UpTo(limit).Scale(Math.Max(1, (channels <= 6 ? 112 : 80) / side));
            grid.Add((signed ? map.Signed() : map.Absolute()).ToPicture());
        }
        return Figure.Of(Kept(grid.ToPicture(), $"features-{scope}"), $"{channels} maps of {side} x {side}: the result of {scope} for the picture.",
            signed ? "Red is a positive answer, blue a negative one." : "Black is no answer, bright a strong one.");
    }

    private Figure Units(string scope, Tensor value)
    {
        int units = value.Shape[1], columns = units % 20 == 0 ? 20 : units % 21 == 0 ? 21 : Math.Min(units, 20);
        float[,] rows = new float[(units + columns - 1) / columns, columns];
        for (int i = 0; i < units; i++) rows[i / columns, i % columns] = value[0, i];
        bool signed = scope.StartsWith("fc", StringComparison.Ordinal);
        var map = HeatMap.Of(rows).Robust(100).Scale(28);
        int active = value.ToArray().Count(v => v > 0);
        return Figure.Of(Kept((signed ? map.Signed() : map.Absolute()).ToPicture(), $"features-{scope}"), $"{units} squares, one for each unit of {scope}; " +
            $"{active} of them are above zero.",
            signed ? $"One square a unit: red above zero ({active} of {units}), blue below." : $"One square a unit; {active} of {units} are awake for this " +
                $"picture.");
    }

    private void Answers(ReportSection section, Tensor scores, int subject)
    {
        var chart = new BarChart("Scores") { Width = 440, Format = "0.0" };
        foreach (int k in Enumerable.Range(0, _classes.Count).OrderByDescending(k => scores[0, k])) chart.Add(_classes[k], scores[0, k], k == Label(subject));
        section.Figure(Figure.Of(Kept(chart.ToSvg(), "answer"),
            $"The true answer is set in bold. Turned into probabilities (by softmax: every point more multiplies the odds by 2.7), the scores make it " +
                $"{Sure(_trained.Test.Confidence[subject])} sure."));
    }

    private string LookFor(string scope) => scope switch
    {
        "conv1" => $"The six filters above, at every place. Look for {Strokes} that light up only in one direction.",
        "relu1" => "A rectifier (ReLU) keeps what is positive and sets the rest to zero, so that only the edges a filter looks for remain.",
        "pool1" => "Of every 2 x 2 square only the largest answer is kept. A part may now move by a pixel without changing much.",
        "conv2" => $"Sixteen filters that look at all six maps together: corners, ends and crossings of {Strokes}.",
        "relu2" => "Again only what is positive stays. Many maps are nearly silent: they look for something that is not in this picture.",
        "pool2" => "What is left of the picture: 16 maps of 5 x 5. One square now stands for a region of 14 x 14 pixels or more.",
        "flatten" => "The maps are laid out in one row; nothing is computed here.",
        "fc1" => "From here on there is no where any more. Each unit weighs all the numbers before it: evidence for combinations of parts.",
        "relu3" => "Only the units that found something pass it on.",
        "fc2" => "A second round of weighing. What these units listen to is shown further below.",
        "relu4" => "The last description of the picture. The answer is read off these numbers alone.",
        _ => "Every class adds up the evidence; the largest score is the answer.",
    };

    private void ShowExplanations()
    {
        ReportSection section = _page.Section("Why this answer? Four ways to ask");
        section.Text("All four send the question backwards through the network: from the score of the answer it gave, down to the pixels. They differ in " +
            "what they let pass on the way, and so in what their colours mean.");
        section.List(
            "Saliency (Simonyan, Vedaldi, Zisserman 2014): bright where changing a pixel a little would change the score most, up or down. It tells where " +
                "the network is sensitive, not what it saw.",
            "Input x gradient (Shrikumar, Greenside, Shcherbina, Kundaje 2016): red pixels raised the score as they are, blue ones lowered it. The empty " +
                "ground counts for nothing, because it is zero.",
            $"Guided backprop (Springenberg, Dosovitskiy, Brox, Riedmiller 2015): at every rectifier only what speaks for the answer passes, and only " +
                $"where the unit was awake. Red {Strokes} made the case; {Ink} on blue would have weakened it. Crisp, but it shows the picture's structure " +
                $"more than the decision.",
            "Deconvnet (Zeiler, Fergus 2014): as guided backprop, but through sleeping units too. Read it as a drawing of what the patterns behind the " +
                "answer look for.");
        (string Title, IAttribution Method)[] methods =
            [("Saliency", new Gradient(absolute: true)), ("Input x gradient", new InputXGradient()), ("Guided backprop", new GuidedBackprop()),
                ("Deconvnet", new Deconvnet())];
        var all = new ImageGrid(1 + methods.Length) { Padding = 10, ColumnTitles = ["picture", .. methods.Select(m => m.Title.ToLowerInvariant())] };
        foreach (int subject in _subjects)
        {
            Tensor image = _test[subject].Image;
            Picture picture = Picture.Of(image).ScaleUp(5);
            all.Add(picture);
            var figures = new List<Figure> { Figure.Of(picture, $"The picture of {A(Label(subject))}.", "The picture") };
            foreach ((string title, IAttribution method) in methods)
            {
                Picture map = HeatMap.Of(method.Explain(_network, image, Target.Top)).Over(image).Scale(5).ToPicture();
                all.Add(map);
                figures.Add(Figure.Of(map, $"The picture of {A(Label(subject))} with the pixels coloured by {title.ToLowerInvariant()}.", title));
            }
            section.Heading($"{Capital(A(Label(subject)))}, {Sure(_trained.Test.Confidence[subject])} sure");
            section.Row(figures);
        }
        Keep(all.ToPicture(), "explanations");
    }

    private void ShowInfluence()
    {
        int subject = _subjects[0], top = _trained.Test.Predicted[subject];
        Tensor image = _test[subject].Image;
        ReportSection section = _page.Section("How one neuron moves another");
        section.Text("The same backward pass can start and end anywhere: for any two places in the network it gives the influence of one on the other, the " +
            "derivative of a neuron with respect to a neuron. " +
            $"Two questions to the network while it looks at {A(Label(subject))}:");

        section.Heading("Which pixels move a hidden unit?");
        IReadOnlyDictionary<string, Tensor> layers = Network.Activations(_network, image).ToDictionary(a => a.Key, a => a.Value, StringComparer.Ordinal);
        Tensor pull = new Gradient().Explain(_network, image, Target.Class(top), "relu4").Values, awake = layers["relu4"];
        float[] gain = [.. Enumerable.Range(0, pull.Count).Select(i => pull.Floats[i] * awake.Floats[i])];
        int[] order = [.. Enumerable.Range(0, gain.Length).OrderByDescending(i => gain[i]).ThenBy(i => i)];
        int[] units = [.. order.Take(3), .. order.TakeLast(2).Reverse().Where(i => gain[i] < 0)];
        section.Text($"Layer `fc2` has {gain.Length} units. Shown are the three that did most for the answer {Quoted(top)} and the two that did most " +
            $"against it. More {Ink} on a red pixel would wake the unit further; on a blue one, put it to sleep. Below each: the unit's value, and how " +
            $"much of the score it adds or takes.");
        section.Row(units.Select(k => Figure.Of(
            HeatMap.Of(Influence.Map(_network, image, Place.Input(), new Place("fc2", k))).Signed().Over(image).Scale(5).ToPicture(),
            $"The picture with the pixels coloured by their influence on unit {k} of fc2.",
            $"Unit {k}, at {Signed(layers["fc2"].Floats[k])}: {(gain[k] >= 0 ? "adds" : "takes")} " +
                $"{Math.Abs(gain[k]).ToString("0.0", CultureInfo.InvariantCulture)}")));

        section.Heading($"Which neurons of conv2 move the score of {Quoted(top)}?");
        Tensor influence = Influence.Map(_network, image, new Place("conv2"), new Place("fc3", top));
        int best = 0;
        for (int i = 1; i < influence.Count; i++) if (influence.Floats[i] > influence.Floats[best]) best = i;
        int side = influence.Shape[2], map = best / (side * side), row = best / side % side, column = best % side;
        double limit = Peak(influence);
        var grid = new ImageGrid(8) { Padding = 6, Background = null };
        for (int c = 0; c < influence.Shape[1]; c++) grid.Add(HeatMap.Of(influence.ToPlane(c)).Signed().UpTo(limit).Scale(8).ToPicture());
        section.Text("Layer `conv2` has 16 maps of 10 x 10 neurons. Most have no influence at all: a neuron below zero is cut off by the rectifier behind " +
            "it, and of every 2 x 2 square only the strongest gets through.");
        section.Figure(Figure.Of(Kept(grid.ToPicture(), "influence"), $"16 maps of 10 x 10: red where more activity would raise the score of " +
            $"{Quoted(top)}, blue where it would lower it.",
            $"Red neurons would raise the score of {Quoted(top)} if they were more active, blue ones would lower it. One scale for all."));
        section.Note(Nudge(image, top, map, row, column, influence.Floats[best]));
    }

    // A derivative is a promise about small changes; the tour keeps it in front of the reader.
    private string Nudge(Tensor image, int top, int map, int row, int column, float derivative)
    {
        const float step = 0.05f;
        float before = _network.Predict(image)[0, top];
        Tensor edited = _network.Call(
            new Run().Edit("conv2", value =>
            {
                float[] elements = value.ToArray();
                elements[((map * value.Shape[2]) + row) * value.Shape[3] + column] += step;
                return Tensor.From(elements, value.Shape);
            }),
            image);
        float after = edited[0, top];
        return string.Create(CultureInfo.InvariantCulture,
            $"A check. The reddest is the neuron of map {map + 1} in row {row + 1}, column {column + 1}: influence {derivative:0.000}. Raised by {step}, " +
                $"it should lift the score by {derivative * step:0.0000}. " +
            $"Doing so, with everything else left alone, moved the score from {before:0.0000} to {after:0.0000}: by {after - before:0.0000}.");
    }

    // One of each of a few classes: rightly named, and with some room for doubt.
    private int[] Subjects()
    {
        int[] wanted = _classes.Count >= 10 ? [4, 2, 7, 5] : [.. Enumerable.Range(0, Math.Min(4, _classes.Count))];
        var found = new List<int>();
        foreach (int label in wanted)
        {
            int[] right = [.. Enumerable.Range(0, _test.Count).Where(i => Label(i) == label && _trained.Test.Predicted[i] == label)];
            if (right.Length == 0) continue;
            int doubted = Array.FindIndex(right, i => _trained.Test.Confidence[i] is > 0.9f and < 0.995f);
            found.Add(right[Math.Max(0, doubted)]);
        }
        // A network that has learned next to nothing is sure of nothing: then any picture has to do.
        if (found.Count == 0) found.Add(0);
        return [.. found];
    }

    private int Label(int i) => (int)_test.Labels.Longs[i];

    private static double Peak(Tensor values)
    {
        double peak = 0;
        foreach (float value in values.Floats) peak = Math.Max(peak, Math.Abs(value));
        return peak > 0 ? peak : 1;
    }

    private static Picture Pair(Picture left, Picture right) => new ImageGrid(2) { Padding = 0, Background = null }.Add(left).Add(right).ToPicture();

    private Picture Kept(Picture picture, string name)
    {
        Keep(picture, name);
        return picture;
    }

    private Svg Kept(Svg drawing, string name)
    {
        drawing.Save(Path.Combine(_pictures, name + ".svg"));
        return drawing;
    }

    private void Keep(Picture picture, string name) => picture.Save(Path.Combine(_pictures, name + ".png"));

    private static double[] Smooth(double[] values)
    {
        // Each point is the mean of its neighbours within a fortieth of the whole, so that the trend shows and the ends stay.
        int reach = Math.Max(1, values.Length / 40);
        double[] smooth = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int from = Math.Max(0, i - reach), to = Math.Min(values.Length, i + reach + 1);
            smooth[i] = values.AsSpan(from, to - from).ToArray().Average();
        }
        return smooth;
    }

    private string A(int label, bool known = false)
    {
        string name = _classes[label];
        if (_digits) return (name == "8" ? "an " : "a ") + name;
        if (known) return "what it is";
        return "Trouser" == name ? "trousers" : ("AEIOU".Contains(char.ToUpperInvariant(name[0])) ? "an " : "a ")
            + name.ToLowerInvariant().Replace("t-shirt", "T-shirt");
    }

    private string Quoted(int label) => $"\u201C{_classes[label]}\u201D";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string Number(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture) + "\u00A0%";

    private static string Sure(float confidence) => confidence >= 0.9995f ? "over 99.9\u00A0%" : (100 * confidence).ToString(confidence > 0.99f ? "0.0"
        : "0", CultureInfo.InvariantCulture) + "\u00A0%";

    private static string Signed(float value) => value.ToString("0.0", CultureInfo.InvariantCulture).Replace("-", "\u2212", StringComparison.Ordinal);

    private static string Times(int count) => count switch
    {
        1 => "once",
        2 => "twice",
        3 => "three times",
        4 => "four times",
        5 => "five times",
        _ =>
        $"{count} times"
    };

    private static string Duration(double seconds) => seconds < 90 ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s"
        : string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60} min {(int)seconds % 60} s");
}
