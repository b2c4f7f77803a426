namespace Vitrine.Experiments;

/// <summary>A text in three stretches: nine tenths to learn from, a twentieth to search and choose with, a last twentieth to report on.</summary>
/// <param name="Train">The first nine tenths.</param>
/// <param name="Search">What training never sees, for choices: hyperparameters, which cell means what.</param>
/// <param name="Report">What neither training nor any choice sees: figures come from here.</param>
internal readonly record struct TextSplit(string Train, string Search, string Report)
{
    /// <summary>Splits a text. The stretches are whole: a text shuffled by lines would tell each stretch what stands around it in the others.</summary>
    public static TextSplit Of(string text)
    {
        int train = (int)(text.Length * 0.9), search = train + (text.Length - train) / 2;
        return new TextSplit(text[..train], text[train..search], text[search..]);
    }

    /// <summary>A text that no part of which was learned from, in halves.</summary>
    public static TextSplit Unseen(string text) => new("", text[..(text.Length / 2)], text[(text.Length / 2)..]);
}
