using System.Text.Json;

namespace Vitrine.Experiments;

/// <summary>What is to be projected, and how.</summary>
public sealed record ProjectOptions
{
    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote; null for a <see cref="Study"/>.</summary>
    public string? Model { get; init; }

    /// <summary>A ready question, one of <see cref="Projector.Studies"/>; null for a <see cref="Model"/>.</summary>
    public string? Study { get; init; }

    /// <summary>The examples: the name of a data set or a folder of pictures; null for the study's own.</summary>
    public string? Data { get; init; }

    /// <summary>
    /// Further examples to be put into the finished map of the layer in focus, which stays as it is: the name of a data set or a folder of pictures; null for
    /// none.
    /// </summary>
    public string? New { get; init; }

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Weights of the same network at further epochs, in order; the model itself is the last.</summary>
    public IReadOnlyList<string> Epochs { get; init; } = [];

    /// <summary>Layers by name; none for those that make the activations, <c>all</c> for every one.</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>How maps are made, one of <see cref="Projector.Methods"/>.</summary>
    public string Method { get; init; } = "tsne";

    /// <summary>How many examples are shown, at least 10.</summary>
    public int Points { get; init; } = 2000;

    /// <summary>How many neighbours of a point are asked for their class, at least 1.</summary>
    public int Neighbours { get; init; } = 6;

    /// <summary>Passes over the data when a study trains; null for its own number.</summary>
    public int? Training { get; init; }

    /// <summary>How pictures become the input of an ONNX network: a built-in preprocessing or a file; null lets its input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes, or null.</summary>
    public string? Labels { get; init; }

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The folder for the page, the maps and the results; null for none.</summary>
    public string? Output { get; init; }
}

/// <summary>Maps of the activity inside networks, and what they are worth.</summary>
/// <param name="Title">What was asked.</param>
/// <param name="Data">The examples.</param>
/// <param name="Method">How maps were made.</param>
/// <param name="Points">How many examples they show.</param>
/// <param name="Neighbours">How many neighbours were asked.</param>
/// <param name="Seed">Where random numbers started.</param>
/// <param name="Networks">The networks.</param>
/// <param name="Seconds">How long it took, training included.</param>
/// <param name="Version">Vitrine's version.</param>
public sealed record ProjectResult(
    string Title, string Data, string Method, int Points, int Neighbours, ulong Seed, IReadOnlyList<ProjectedNetwork> Networks, double Seconds, string Version)
{
    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? ResultJson.Indented.ProjectResult : ResultJson.Default.ProjectResult);
}

/// <summary>One network, layer by layer.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Accuracy">By stage (before, after, an epoch): the part of unseen examples it names rightly.</param>
/// <param name="Focus">The layer that is looked at closely: the last hidden one.</param>
/// <param name="Layers">Every map, in the order they were made.</param>
/// <param name="Outliers">Examples that lie among another class in the map of the layer in focus (Rauber, Fadel, Falcao, Telea 2017).</param>
/// <param name="SuspectedLabels">Those that lie among the same other class in the layer itself: their labels may be wrong.</param>
/// <param name="New">Examples that the maps were made without, and where they came to lie in that of the layer in focus.</param>
public sealed record ProjectedNetwork(
    string Name, IReadOnlyDictionary<string, double> Accuracy, string Focus, IReadOnlyList<ProjectedLayer> Layers, IReadOnlyList<ProjectedOutlier> Outliers,
    IReadOnlyList<ProjectedOutlier> SuspectedLabels, IReadOnlyList<ProjectedExample> New)
{
    /// <summary>The map of a layer at a stage, or null.</summary>
    public ProjectedLayer? Find(string stage, string layer) => Layers.FirstOrDefault(l => l.Stage == stage && l.Layer == layer);
}

/// <summary>The map of one layer's activations.</summary>
/// <param name="Stage">The weights: before, after, or an epoch.</param>
/// <param name="Layer">The layer, or <c>input</c>.</param>
/// <param name="Dimensions">How many numbers an example has there.</param>
/// <param name="Hits">The neighbourhood hit by what is asked for (the class; the speaker and the digit).</param>
/// <param name="Trustworthiness">Whether neighbours in the map are neighbours in the layer (Venna, Kaski 2001).</param>
/// <param name="Continuity">Whether neighbours in the layer are neighbours in the map.</param>
/// <param name="Seconds">How long the map took.</param>
public sealed record ProjectedLayer(
    string Stage, string Layer, int Dimensions, IReadOnlyDictionary<string, ProjectedHit> Hits, double Trustworthiness, double Continuity, double Seconds);

/// <summary>The mean part of a point's neighbours that carry its label (Paulovich, Nonato, Minghim, Levkowitz 2008), in [0, 1].</summary>
/// <param name="Map">In the map.</param>
/// <param name="Activations">Among the activations themselves.</param>
/// <param name="PerClass">In the map, by class; classes without examples are left out.</param>
public sealed record ProjectedHit(double Map, double Activations, IReadOnlyDictionary<string, double> PerClass);

/// <summary>An example that was put into a finished map.</summary>
/// <param name="Example">Its name.</param>
/// <param name="X">Its place from left to right.</param>
/// <param name="Y">Its place from bottom to top.</param>
/// <param name="Label">Its own class, or null where it is not known.</param>
/// <param name="Surrounding">The class that most of its neighbours in the map have, or null where the map has no classes.</param>
/// <param name="Share">The part of its neighbours of that class.</param>
/// <param name="Answer">What the network takes it for, or null where it does not name the map's classes.</param>
public sealed record ProjectedExample(string Example, double X, double Y, string? Label, string? Surrounding, double Share, string? Answer);

/// <summary>An example among another class.</summary>
/// <param name="Example">Its name.</param>
/// <param name="Index">Its number in the map.</param>
/// <param name="Label">Its label.</param>
/// <param name="Surrounding">The class around it.</param>
/// <param name="Share">The part of its neighbours of that class.</param>
public sealed record ProjectedOutlier(string Example, int Index, string Label, string Surrounding, double Share);
