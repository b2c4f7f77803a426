namespace Vitrine.Data;

/// <summary>Where data sets live on this machine.</summary>
/// <remarks>
/// A root holds one folder for each data set: <c>root/mnist/train-images-idx3-ubyte.gz</c>. Roots are looked through in this order: the path that
/// was asked for explicitly (<c>--data-root</c>), the environment variable VITRINE_DATA, the user's own folder (<see cref="UserRoot"/>).
/// </remarks>
public static class DataFolder
{
    /// <summary>The environment variable that names a root.</summary>
    public const string Variable = "VITRINE_DATA";

    /// <summary>The user's own root: <c>vitrine/data</c> under $XDG_DATA_HOME, or under ~/.local/share, or under the local application data on
    /// Windows.</summary>
    /// <exception cref="DataException">The system names no home folder.</exception>
    public static string UserRoot
    {
        get
        {
            string? home = OperatingSystem.IsWindows() ? null : Environment.GetEnvironmentVariable("XDG_DATA_HOME");
            // The XDG specification has relative paths ignored.
            if (!Path.IsPathFullyQualified(home ?? ""))
                home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
            if (string.IsNullOrEmpty(home))
                throw new DataException("This account has no home folder to keep data in.", $"Name a folder with --data-root or {Variable}.");
            return Path.Combine(home, "vitrine", "data");
        }
    }

    /// <summary>The root that new data is written to: the explicit one, else VITRINE_DATA, else <see cref="UserRoot"/>. It need not exist.</summary>
    /// <param name="root">The root asked for explicitly, or null.</param>
    /// <returns>A full path.</returns>
    public static string ForWriting(string? root = null) => Roots(root)[0];

    /// <summary>Finds the folder of a data set that holds all of the given files.</summary>
    /// <param name="name">The data set, e.g. <c>mnist</c>.</param>
    /// <param name="files">The files that must be there; each is taken with or without a trailing <c>.gz</c>.</param>
    /// <param name="root">The root asked for explicitly, or null. It must exist: a misspelt path is an error, not a reason to look elsewhere.</param>
    /// <returns>The full paths of the files, in the order of <paramref name="files"/>, all from one folder.</returns>
    /// <exception cref="DataException">No root has them all; the message lists every place looked in. Nothing is ever put in their place.</exception>
    public static IReadOnlyList<string> Find(string name, IReadOnlyList<string> files, string? root = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(files);
        if (root is not null && !Directory.Exists(root))
            throw new DataException($"The data folder {Path.GetFullPath(root)} does not exist.",
                $"Correct --data-root, or run 'vitrine data get {name} --data-root {root}'.");

        List<string> looked = [];
        foreach (string folder in Roots(root).Select(r => Path.Combine(r, name)))
        {
            List<string> found = [];
            string? missing = null;
            foreach (string file in files)
            {
                if (Either(folder, file) is { } path) found.Add(path);
                else missing ??= file;
            }
            if (missing is null) return found;
            looked.Add(Directory.Exists(folder) ? $"{folder} (no {missing})" : folder);
        }
        throw new DataException($"The data set '{name}' is not on this machine. Looked in: {string.Join("; ", looked)}.",
            $"Run 'vitrine data get {name}', or name the folder that holds '{name}' with --data-root or {Variable}.");
    }

    private static string? Either(string folder, string file)
    {
        string plain = file.EndsWith(".gz", StringComparison.Ordinal) ? file[..^3] : file;
        string path = Path.Combine(folder, plain + ".gz");
        if (File.Exists(path)) return path;
        path = Path.Combine(folder, plain);
        return File.Exists(path) ? path : null;
    }

    private static List<string> Roots(string? root)
    {
        List<string> roots = [];
        if (!string.IsNullOrEmpty(root)) roots.Add(Path.GetFullPath(root));
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable) roots.Add(Path.GetFullPath(variable));
        // An account without a home folder is a problem only when nothing else was named.
        try
        {
            roots.Add(UserRoot);
        }
        catch (DataException) when (roots.Count > 0)
        {
            return roots;
        }
        return roots;
    }
}
