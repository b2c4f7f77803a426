namespace Vitrine.Onnx.Tests.Export;

/// <summary>A folder that is gone at the end of a test.</summary>
internal sealed class Folder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("vitrine-onnx-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public string[] Files => Directory.GetFileSystemEntries(_path);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
