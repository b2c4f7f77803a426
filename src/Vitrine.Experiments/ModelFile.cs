using Vitrine.Data;
using Vitrine.Onnx;

namespace Vitrine.Experiments;

/// <summary>Files of networks and of their weights.</summary>
public static class ModelFile
{
    /// <summary>Whether a file is read as ONNX: its name ends in <c>.onnx</c>, for the format has no mark of its own.</summary>
    /// <param name="path">The file.</param>
    public static bool IsOnnx(string path) => Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase);

    /// <summary>Copies every tensor of a file to one of another kind.</summary>
    /// <param name="from">ONNX (its weights), safetensors, npz, npy or a state dictionary of PyTorch.</param>
    /// <param name="to">A name that ends in <c>.safetensors</c> or <c>.npz</c>.</param>
    /// <returns>The tensors, by name.</returns>
    /// <exception cref="IOException">A file cannot be read, is not sound, or cannot be written.</exception>
    /// <exception cref="ArgumentException">The ending names no kind that is written.</exception>
    public static IReadOnlyDictionary<string, Tensor> Convert(string from, string to)
    {
        IReadOnlyDictionary<string, string>? metadata = null;
        IReadOnlyDictionary<string, Tensor> tensors = IsOnnx(from) ? OpenOnnx(from, null).State() : Tensors(from, out metadata);
        TensorFile.Save(to, tensors, metadata);
        return tensors;
    }

    internal static IReadOnlyDictionary<string, Tensor> Tensors(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        Exists(path);
        return TensorFile.Load(path, out metadata);
    }

    internal static OnnxModule OpenOnnx(string path, Action<string>? warn)
    {
        Exists(path);
        return OnnxModel.Open(path, new OnnxOptions { Warn = warn });
    }

    private static void Exists(string path)
    {
        if (Directory.Exists(path)) throw new DataException($"{path} is a folder; a file was expected.", "Name the file inside it.");
        if (!File.Exists(path)) throw new DataException($"There is no file {path}.", "Check the path.");
    }
}
