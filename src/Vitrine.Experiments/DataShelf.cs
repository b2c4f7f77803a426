using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>A data set that Vitrine knows, and where it is on this machine.</summary>
/// <param name="Entry">The data set.</param>
/// <param name="Folder">The folder that holds it; null when it is built in or not here.</param>
public sealed record ShelvedData(CatalogEntry Entry, string? Folder)
{
    /// <summary>Whether it can be used now.</summary>
    public bool Ready => Entry.BuiltIn || Folder is not null;
}

/// <summary>The data sets Vitrine knows, as they stand on this machine.</summary>
public static class DataShelf
{
    /// <summary>All of them, the built-in ones first.</summary>
    /// <param name="root">The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</param>
    public static IReadOnlyList<ShelvedData> List(string? root = null) => [.. Catalog.All.Select(e => new ShelvedData(e, FolderOf(e, root)))];

    private static string? FolderOf(CatalogEntry entry, string? root)
    {
        if (entry.BuiltIn) return null;
        try
        {
            return Path.GetDirectoryName(DataFolder.Find(entry.Name, [.. entry.Files.Select(f => f.Name)], root)[0]);
        }
        catch (DataException)
        {
            return null;
        }
    }
}
