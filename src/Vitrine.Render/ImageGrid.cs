namespace Vitrine.Render;

/// <summary>
/// Pictures in rows and columns, with captions and titles written into the picture. Cells are as large as the largest picture, or wider if a word needs it;
/// pictures are centred.
/// </summary>
public sealed class ImageGrid
{
    private readonly List<(Picture Picture, string Caption)> _cells = [];
    private readonly int _columns;

    /// <summary>Starts a grid.</summary>
    /// <param name="columns">The number of columns, at least 1; rows follow as pictures are added.</param>
    public ImageGrid(int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        _columns = columns;
    }

    /// <summary>A title above the grid, or null.</summary>
    public string? Title { get; set; }

    /// <summary>Titles above the columns, from the left; may be fewer than the columns.</summary>
    public IReadOnlyList<string> ColumnTitles { get; set; } = [];

    /// <summary>Titles left of the rows, from the top; may be fewer than the rows.</summary>
    public IReadOnlyList<string> RowTitles { get; set; } = [];

    /// <summary>Space between the pictures, in pixels.</summary>
    public int Padding { get; set; } = 8;

    /// <summary>Every font pixel becomes a square of this many pixels: 1 is tiny, 2 is comfortable.</summary>
    public int TextScale { get; set; } = 2;

    /// <summary>
    /// The colour between the pictures; text is dark or light, whichever is read better on it. Null is transparent, with text in a grey that is read on
    /// light and dark pages.
    /// </summary>
    public Rgb? Background { get; set; } = Rgb.White;

    /// <summary>Adds a picture at the next place, row by row.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="caption">A line or two below it, in ASCII; what is too long is cut.</param>
    public ImageGrid Add(Picture picture, string? caption = null)
    {
        ArgumentNullException.ThrowIfNull(picture);
        _cells.Add((picture, caption ?? ""));
        return this;
    }

    /// <summary>
    /// The filters of a convolution as tiles: in true colours if the layer sees RGB, otherwise a diverging tile a plane (one row a filter if there are
    /// several input channels). Every filter is scaled by its own largest weight; grey, or near white, is zero. The space between is transparent.
    /// </summary>
    /// <param name="weights">[output channel, input channel, height, width].</param>
    /// <param name="columns">Tiles in a row; by default nearly square, or the number of input channels.</param>
    /// <param name="tile">The least side of a tile in pixels; filters are enlarged by a whole factor.</param>
    /// <exception cref="ArgumentException">The array is empty.</exception>
    public static ImageGrid OfFilters(float[,,,] weights, int? columns = null, int tile = 48)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Length == 0) throw new ArgumentException("The array is empty: there is no filter to draw.", nameof(weights));
        int filters = weights.GetLength(0), inputs = weights.GetLength(1), height = weights.GetLength(2), width = weights.GetLength(3);
        int factor = Math.Max(1, (tile + Math.Max(height, width) - 1) / Math.Max(height, width));
        bool single = inputs is 1 or 3;
        ImageGrid grid = new(columns ?? (single ? (int)Math.Ceiling(Math.Sqrt(filters)) : inputs)) { Padding = 4, Background = null };
        for (int o = 0; o < filters; o++)
        {
            float limit = 0;
            for (int i = 0; i < inputs; i++)
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        limit = Math.Max(limit, Math.Abs(weights[o, i, y, x]));
            if (!(limit > 0) || !float.IsFinite(limit)) limit = 1;
            if (inputs == 3)
            {
                float[,,] filter = new float[3, height, width];
                for (int i = 0; i < 3; i++)
                    for (int y = 0; y < height; y++)
                        for (int x = 0; x < width; x++)
                            filter[i, y, x] = weights[o, i, y, x];
                grid.Add(Picture.FromRgb(filter, -limit, limit).ScaleUp(factor));
                continue;
            }
            for (int i = 0; i < inputs; i++)
            {
                float[,] plane = new float[height, width];
                for (int y = 0; y < height; y++)
                    for (int x = 0; x < width; x++)
                        plane[y, x] = weights[o, i, y, x];
                grid.Add(HeatMap.Of(plane).Signed().UpTo(limit).Scale(factor).ToPicture());
            }
        }
        return grid;
    }

    /// <summary>Composes the grid, in RGB, or in RGBA if the background is transparent.</summary>
    /// <exception cref="InvalidOperationException">No picture has been added.</exception>
    public Picture ToPicture()
    {
        if (_cells.Count == 0) throw new InvalidOperationException("The grid has no pictures yet: add some first.");
        int scale = Math.Max(1, TextScale), gap = Math.Max(0, Padding), line = (BitmapFont.Height + 2) * scale;
        int cellWidth = 0, pictureHeight = 0;
        foreach ((Picture picture, _) in _cells) (cellWidth, pictureHeight) = (Math.Max(cellWidth, picture.Width), Math.Max(pictureHeight, picture.Height));

        // Room for the longest word, within reason, before words are broken.
        int longest = 0;
        foreach (string text in (IEnumerable<string>)[.. ColumnTitles.Take(_columns), .. _cells.ConvertAll(cell => cell.Caption)])
            foreach (string word in BitmapFont.Fold(text).Split(' ')) longest = Math.Max(longest, BitmapFont.Width(word) * scale);
        cellWidth = Math.Max(cellWidth, Math.Min(longest, cellWidth * 3 / 2));

        // The text decides the height of its rows: captions and column titles break into at most three lines of the cell's width.
        List<List<string>> captions = _cells.ConvertAll(cell => BitmapFont.Wrap(cell.Caption, cellWidth / scale, 3));
        List<List<string>> heads = [];
        for (int c = 0; c < Math.Min(_columns, ColumnTitles.Count); c++) heads.Add(BitmapFont.Wrap(ColumnTitles[c], cellWidth / scale, 3));
        int headHeight = Highest(heads) * line;
        int rows = (_cells.Count + _columns - 1) / _columns;
        List<string> rowTitles = [];
        for (int r = 0; r < Math.Min(rows, RowTitles.Count); r++) rowTitles.Add(BitmapFont.Fold(RowTitles[r]));
        int rowTitleWidth = 0;
        foreach (string title in rowTitles) rowTitleWidth = Math.Max(rowTitleWidth, BitmapFont.Width(title) * scale);
        if (rowTitleWidth > 0) rowTitleWidth += gap;

        int columnsUsed = Math.Min(_columns, _cells.Count);
        int width = rowTitleWidth + gap + (columnsUsed * (cellWidth + gap));
        List<string> titleLines = Title is null ? [] : BitmapFont.Wrap(Title, (width - (2 * gap)) / scale, 2);
        int top = gap + (titleLines.Count * line) + (titleLines.Count > 0 ? gap : 0);
        int[] rowTop = new int[rows + 1];
        rowTop[0] = top + headHeight;
        for (int r = 0; r < rows; r++)
        {
            int text = Highest(captions.GetRange(r * _columns, Math.Min(_columns, _cells.Count - (r * _columns))));
            rowTop[r + 1] = rowTop[r] + pictureHeight + (text > 0 ? (2 * scale) + (text * line) : 0) + gap;
        }

        Canvas canvas = new(width, rowTop[rows], Background);
        Rgb ink = Background is not Rgb color ? new(0x80, 0x80, 0x80) : OkLab.From(color).L > 0.6 ? new(0x1D, 0x1F, 0x23) : new(0xE7, 0xE5, 0xE0);
        for (int i = 0; i < titleLines.Count; i++) canvas.Write(titleLines[i], gap, gap + (i * line), ink, scale);
        for (int c = 0; c < heads.Count; c++)
            WriteCentred(canvas, heads[c], Left(c), top + headHeight - (heads[c].Count * line), cellWidth, ink, scale);
        for (int r = 0; r < rowTitles.Count; r++)
            canvas.Write(rowTitles[r], gap, rowTop[r] + ((pictureHeight - (7 * scale)) / 2), ink, scale);
        for (int n = 0; n < _cells.Count; n++)
        {
            Picture picture = _cells[n].Picture;
            int left = Left(n % _columns), y = rowTop[n / _columns];
            canvas.Draw(picture, left + ((cellWidth - picture.Width) / 2), y + ((pictureHeight - picture.Height) / 2));
            WriteCentred(canvas, captions[n], left, y + pictureHeight + (2 * scale), cellWidth, ink, scale);
        }
        return canvas.ToPicture();

        int Left(int column) => rowTitleWidth + gap + (column * (cellWidth + gap));
    }

    /// <summary>Saves the grid as PNG, whole or not at all.</summary>
    /// <param name="path">A name that ends in <c>.png</c>.</param>
    /// <exception cref="IOException">The file cannot be written; an old file of that name is unchanged.</exception>
    public void Save(string path) => ToPicture().Save(path);

    private static int Highest(List<List<string>> texts)
    {
        int most = 0;
        foreach (List<string> lines in texts) most = Math.Max(most, lines.Count);
        return most;
    }

    private static void WriteCentred(Canvas canvas, List<string> lines, int left, int top, int width, Rgb ink, int scale)
    {
        for (int i = 0; i < lines.Count; i++)
            canvas.Write(lines[i], left + ((width - (BitmapFont.Width(lines[i]) * scale)) / 2), top + (i * (BitmapFont.Height + 2) * scale), ink, scale);
    }
}
