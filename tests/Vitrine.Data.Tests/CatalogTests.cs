namespace Vitrine.Data.Tests;

public sealed class CatalogTests
{
    [Fact]
    public void EveryEntryIsComplete()
    {
        Assert.Equal(Catalog.All.Count, Catalog.All.Select(e => e.Name).Distinct().Count());
        foreach (CatalogEntry entry in Catalog.All)
        {
            Assert.All([entry.Title, entry.Description, entry.Shape, entry.Licence, entry.Source], Assert.NotEmpty);
            Assert.Equal(entry.BuiltIn, entry.Bytes == 0);
            foreach (CatalogFile file in entry.Files)
            {
                Assert.Matches("^[0-9a-f]{64}$", file.Sha256);
                Assert.True(file.Bytes > 0);
                Assert.EndsWith("/" + file.Name, file.Url.AbsoluteUri);
            }
        }
    }

    [Fact]
    public void NamesAreFoundInAnyCaseAndUnknownOnesListTheKnown()
    {
        Assert.Equal("mnist", Catalog.Find("MNIST").Name);
        string message = Assert.Throws<DataException>(() => Catalog.Find("minst")).Message;
        Assert.All(Catalog.All, e => Assert.Contains(e.Name, message));
    }
}
