namespace Vitrine.Insight;

/// <summary>A set of elements of a tensor, by their place in row-major order. What is done with a set takes time in proportion to what it holds.</summary>
internal sealed class Marks(int size)
{
    private readonly bool[] _on = new bool[size];
    private int[] _items = new int[Math.Min(size, 16)];

    /// <summary>How many elements the tensor has.</summary>
    public int Size => _on.Length;

    /// <summary>How many of them are marked.</summary>
    public int Count { get; private set; }

    /// <summary>Those that are marked, in the order in which they were.</summary>
    public ReadOnlySpan<int> Items => _items.AsSpan(0, Count);

    /// <summary>Whether an element is marked.</summary>
    public bool this[int item] => _on[item];

    /// <summary>Marks an element; false where it was marked before.</summary>
    public bool Add(int item)
    {
        if (_on[item]) return false;
        _on[item] = true;
        if (Count == _items.Length) Array.Resize(ref _items, Math.Min(_on.Length, 2 * _items.Length));
        _items[Count++] = item;
        return true;
    }

    /// <summary>Marks every element.</summary>
    public void AddAll()
    {
        for (int i = 0; i < _on.Length; i++) Add(i);
    }

    /// <summary>Takes all marks away.</summary>
    public void Clear()
    {
        foreach (int item in Items) _on[item] = false;
        Count = 0;
    }

    /// <summary>The marks that are not at some elements, in the same order.</summary>
    public Marks Without(bool[] elements)
    {
        var rest = new Marks(Size);
        foreach (int item in Items) if (!elements[item]) rest.Add(item);
        return rest;
    }

    /// <summary>A number of 128 bits that stands for the marks and their order.</summary>
    public UInt128 Fingerprint()
    {
        ulong a = 0x9E3779B97F4A7C15, b = 0xC2B2AE3D27D4EB4F;
        foreach (int item in Items)
        {
            a = Mixed(a ^ (ulong)(uint)item);
            b = Mixed(b + (ulong)(uint)item + 0x165667B19E3779F9);
        }
        return new UInt128(a, b);
    }

    // The finaliser of SplitMix64: one to one, and every bit of the result depends on every bit that went in.
    private static ulong Mixed(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
