using System.Security.Cryptography;
using System.Text;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>A character language model with the characters it knows: what <c>vitrine train-text</c> writes.</summary>
/// <param name="Network">The network.</param>
/// <param name="Vocabulary">Its characters.</param>
/// <param name="Text">The name of the text it learned from.</param>
/// <param name="Fingerprint">The SHA-256 of that text, by which it is known again.</param>
public sealed record TextModel(CharLstm Network, CharacterVocabulary Vocabulary, string Text, string Fingerprint)
{
    private const string Name = "CharLstm", CharactersKey = "vitrine.characters", TextKey = "vitrine.text", FingerprintKey = "vitrine.text_sha256";

    /// <summary>The same architecture with fresh weights: what a search finds there, it finds by chance.</summary>
    /// <param name="seed">Where its weights start.</param>
    public TextModel Untrained(ulong seed)
    {
        int embedding = Network.State()["encoder.weight"].Shape[1];
        return this with { Network = new CharLstm(Weights.Random(seed), Vocabulary.Count, Network.Hidden, Network.Layers, embedding) };
    }

    /// <summary>Reads a model.</summary>
    /// <param name="path">A file that <c>vitrine train-text</c> wrote.</param>
    /// <exception cref="DataException">It is another file.</exception>
    /// <exception cref="IOException">It cannot be read or is not sound.</exception>
    public static TextModel Open(string path)
    {
        const string todo = "Name a file that 'vitrine train-text' wrote.";
        IReadOnlyDictionary<string, Tensor> state = ModelFile.Tensors(path, out IReadOnlyDictionary<string, string> notes);
        if (notes.ContainsKey(TextTraining.StateKey))
            throw new DataException("This is a training checkpoint, not a model.", "Finish the training with --resume; the model is written at its end.", path);
        if (notes.GetValueOrDefault(LeNetTraining.ModelKey) != Name || !notes.TryGetValue(CharactersKey, out string? characters))
            throw new DataException("This file holds no character language model.", todo, path);
        try
        {
            var vocabulary = new CharacterVocabulary(characters);
            int layers = state.Keys.Count(k => k.StartsWith("rnn.weight_hh_l", StringComparison.Ordinal));
            if (layers == 0 || !state.TryGetValue("encoder.weight", out Tensor? encoder) || !state.TryGetValue("rnn.weight_hh_l0", out Tensor? hidden)
                || encoder.Rank != 2 || hidden.Rank != 2)
                throw new ArgumentException("its tensors are not those of the network");
            var network = new CharLstm(Weights.From(state), vocabulary.Count, hidden.Shape[1], layers, encoder.Shape[1]);
            return new TextModel(network, vocabulary, notes.GetValueOrDefault(TextKey) ?? "", notes.GetValueOrDefault(FingerprintKey) ?? "");
        }
        catch (ArgumentException e)
        {
            throw new DataException($"This model is damaged: {e.Message}", todo, path, inner: e);
        }
    }

    /// <summary>Writes the model whole or not at all.</summary>
    /// <param name="path">A name that ends in <c>.safetensors</c>.</param>
    public void Save(string path) => SafeTensors.Save(path, Network.State(), new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [LeNetTraining.ModelKey] = Name,
        [CharactersKey] = Vocabulary.Characters,
        [TextKey] = Text,
        [FingerprintKey] = Fingerprint,
    });

    /// <summary>The SHA-256 of a text.</summary>
    internal static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
