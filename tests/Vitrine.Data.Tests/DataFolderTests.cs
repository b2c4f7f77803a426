using System.IO.Compression;
using System.Security.Cryptography;

namespace Vitrine.Data.Tests;

/// <summary>Tests that read or set environment variables, which all threads share; they run one after another.</summary>
[CollectionDefinition(nameof(EnvironmentVariables), DisableParallelization = true)]
public static class EnvironmentVariables;

[Collection(nameof(EnvironmentVariables))]
public sealed class DataFolderTests : IDisposable
{
    private readonly string? _data = Environment.GetEnvironmentVariable(DataFolder.Variable);
    private readonly string? _xdg = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
    private readonly TempFolder _temp = new();

    public DataFolderTests()
    {
        Environment.SetEnvironmentVariable(DataFolder.Variable, null);
        Environment.SetEnvironmentVariable("XDG_DATA_HOME", _temp.File("home"));
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(DataFolder.Variable, _data);
        Environment.SetEnvironmentVariable("XDG_DATA_HOME", _xdg);
        _temp.Dispose();
    }

    [Fact]
    public void TheExplicitFolderComesFirstThenTheVariableThenTheUsersOwn()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "XDG is for Unix.");
        string users = _temp.Write("home/vitrine/data/set/x.gz", [1]);
        Assert.Equal([users], DataFolder.Find("set", ["x.gz"]));

        string variable = _temp.Write("variable/set/x.gz", [1]);
        Environment.SetEnvironmentVariable(DataFolder.Variable, _temp.File("variable"));
        Assert.Equal([variable], DataFolder.Find("set", ["x.gz"]));

        string asked = _temp.Write("asked/set/x", [1]);
        Assert.Equal([asked], DataFolder.Find("set", ["x.gz"], _temp.File("asked")));
        // Nothing half there is mixed with the rest from elsewhere.
        _temp.Write("variable/set/y", [1]);
        Assert.Equal([variable, _temp.File("variable/set/y")], DataFolder.Find("set", ["x.gz", "y"], _temp.File("asked")));
    }

    [Fact]
    public void WhatIsMissingIsSaidWithEveryPlace()
    {
        Environment.SetEnvironmentVariable(DataFolder.Variable, _temp.File("variable"));
        _temp.Write("asked/mnist/train-images-idx3-ubyte.gz", [1]);
        DataException error = Assert.Throws<DataException>(() => Mnist.Load(_temp.File("asked")));
        Assert.Contains("vitrine data get mnist", error.Message);
        Assert.Contains(_temp.File("asked/mnist") + " (no train-labels-idx1-ubyte.gz)", error.Message);
        Assert.Contains(_temp.File("variable/mnist"), error.Message);
        Assert.Contains(Path.Combine(DataFolder.UserRoot, "mnist"), error.Message);
    }

    [Fact]
    public void AMisspeltExplicitFolderIsAnErrorEvenIfTheDataIsElsewhere()
    {
        _temp.Write("variable/set/x", [1]);
        Environment.SetEnvironmentVariable(DataFolder.Variable, _temp.File("variable"));
        Assert.Contains("does not exist", Assert.Throws<DataException>(() => DataFolder.Find("set", ["x"], _temp.File("askde"))).Message);
    }

    [Fact]
    public void NewDataGoesToTheFirstPlace()
    {
        Assert.Equal(DataFolder.UserRoot, DataFolder.ForWriting());
        Environment.SetEnvironmentVariable(DataFolder.Variable, _temp.File("variable"));
        Assert.Equal(_temp.File("variable"), DataFolder.ForWriting());
        Assert.Equal(_temp.File("asked"), DataFolder.ForWriting(_temp.File("asked")));
    }

    [Fact]
    public void RelativeXdgPathsAreIgnored()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "XDG is for Unix.");
        Assert.Equal(_temp.File("home/vitrine/data"), DataFolder.UserRoot);
        Environment.SetEnvironmentVariable("XDG_DATA_HOME", "here");
        Assert.DoesNotContain("here", DataFolder.UserRoot.Split(Path.DirectorySeparatorChar));
    }

    [Theory]
    [InlineData("mnist", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")]
    [InlineData("fashion-mnist", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")]
    public void TheRealDataIsReadRight(string name, string trainImagesSha256)
    {
        Assert.SkipUnless(Directory.Exists(Path.Combine(_data ?? "", name)), $"{DataFolder.Variable} names no folder with '{name}'.");
        DataSplit split = name == "mnist" ? Mnist.Load(_data) : Mnist.LoadFashion(_data);
        Assert.Equal("[60000, 1, 28, 28]", split.Train.Inputs.Shape.ToString());
        Assert.Equal("[10000, 1, 28, 28]", split.Test.Inputs.Shape.ToString());
        Assert.Equal(10, split.Train.Classes.Count);

        // The published sums of the uncompressed files, so that a file compressed anew counts as what it is.
        string path = Path.Combine(_data!, name, "train-images-idx3-ubyte.gz");
        using GZipStream content = new(File.OpenRead(path), CompressionMode.Decompress);
        Assert.Equal(trainImagesSha256, Convert.ToHexStringLower(SHA256.HashData(content)));

        // Known of both sets: the mean of the training pixels (0.1307 and 0.2860), and the first labels.
        double mean = 0;
        foreach (float value in split.Train.Inputs.Floats) mean += value;
        Assert.Equal(name == "mnist" ? 0.1307 : 0.2860, mean / split.Train.Inputs.Count, 4);
        Assert.Equal(name == "mnist" ? [5, 0, 4, 1, 9] : [9, 0, 0, 3, 0], split.Train.Labels.Longs[..5].ToArray());
        Assert.Equal(name == "mnist" ? [7, 2, 1, 0, 4] : [9, 2, 1, 1, 6], split.Test.Labels.Longs[..5].ToArray());
    }
}
