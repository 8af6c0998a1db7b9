using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Where a synthetic model's tokenizer comes from.</summary>
internal abstract class SyntheticVocabulary
{
    /// <summary>A chat template in ChatML, the format of Qwen and many others.</summary>
    public const string ChatMlTemplate =
        "{% for message in messages %}" +
        "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>The number of tokens.</summary>
    public abstract int TokenCount { get; }

    /// <summary>Adds the <c>tokenizer.*</c> keys.</summary>
    public abstract void AddTo(GgufWriter writer);

    /// <summary>The tokenizer of a real model, from any GGUF file that has one.</summary>
    public static SyntheticVocabulary FromFile(string path) => new FileVocabulary(GgufFile.Open(path).Metadata);

    /// <summary>A byte-level BPE vocabulary: 256 bytes, merges of lower-case letters, and the special tokens of ChatML.</summary>
    /// <param name="tokenCount">At least 259, and one more for each of the controls.</param>
    /// <param name="controls">Further control tokens.</param>
    public static SyntheticVocabulary ByteLevel(int tokenCount, params string[] controls) => new ByteLevelVocabulary(tokenCount, "qwen2", controls);

    /// <summary>A byte-level BPE vocabulary whose text is cut into words as a known one's is.</summary>
    /// <param name="tokenCount">At least 259.</param>
    /// <param name="preTokenizer">llama.cpp's name of how text is cut, such as <c>llama-bpe</c>.</param>
    public static SyntheticVocabulary ByteLevelLike(int tokenCount, string preTokenizer) => new ByteLevelVocabulary(tokenCount, preTokenizer, []);

    private sealed class FileVocabulary : SyntheticVocabulary
    {
        private readonly GgufMetadata _metadata;

        public FileVocabulary(GgufMetadata metadata)
        {
            _metadata = metadata;
            TokenCount = metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens)
                ? tokens.Count
                : throw new ArgumentException("The file has no tokens.", nameof(metadata));
        }

        public override int TokenCount { get; }

        public override void AddTo(GgufWriter writer)
        {
            bool hasTemplate = false;
            foreach ((string key, GgufValue value) in _metadata)
            {
                if (!key.StartsWith("tokenizer.", StringComparison.Ordinal))
                    continue;

                hasTemplate |= key == "tokenizer.chat_template";
                writer.Add(key, value);
            }

            if (!hasTemplate)
                writer.Add("tokenizer.chat_template", ChatMlTemplate);
        }
    }

    private sealed class ByteLevelVocabulary : SyntheticVocabulary
    {
        private static readonly string[] SpecialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

        private readonly string _preTokenizer;
        private readonly string[] _special;
        private readonly List<string> _tokens = [];
        private readonly List<string> _merges = [];

        public ByteLevelVocabulary(int tokenCount, string preTokenizer, string[] controls)
        {
            _preTokenizer = preTokenizer;
            _special = [.. SpecialTokens, .. controls];
            ArgumentOutOfRangeException.ThrowIfLessThan(tokenCount, 256 + _special.Length);
            for (int value = 0; value < 256; value++)
                _tokens.Add(ByteToken((byte)value).ToString());

            // Breadth first, each token being the one before it and a letter, so that every text comes from one merge only.
            Queue<string> stems = new(["Ġ", .. Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString())]);
            while (_tokens.Count < tokenCount - _special.Length)
            {
                string stem = stems.Dequeue();
                for (char letter = 'a'; letter <= 'z' && _tokens.Count < tokenCount - _special.Length; letter++)
                {
                    _merges.Add($"{stem} {letter}");
                    _tokens.Add(stem + letter);
                    stems.Enqueue(stem + letter);
                }
            }

            _tokens.AddRange(_special);
        }

        public override int TokenCount => _tokens.Count;

        public override void AddTo(GgufWriter writer)
        {
            const int Normal = 1;
            const int Control = 3;
            int firstSpecial = _tokens.Count - _special.Length;
            writer.Add("tokenizer.ggml.model", "gpt2");
            writer.Add("tokenizer.ggml.pre", _preTokenizer);
            writer.AddStrings("tokenizer.ggml.tokens", _tokens);
            IEnumerable<int> types = Enumerable.Range(0, _tokens.Count).Select(id => id < firstSpecial ? Normal : Control);
            writer.AddArray<int>("tokenizer.ggml.token_type", [.. types]);
            writer.AddStrings("tokenizer.ggml.merges", _merges);
            writer.Add("tokenizer.ggml.bos_token_id", (uint)firstSpecial);
            writer.Add("tokenizer.ggml.eos_token_id", (uint)firstSpecial + 2);
            writer.Add("tokenizer.ggml.padding_token_id", (uint)firstSpecial);
            writer.Add("tokenizer.ggml.add_bos_token", false);
            writer.Add("tokenizer.chat_template", ChatMlTemplate);
        }

        // GPT-2's table: printable Latin-1 characters stand for themselves, all other bytes for the characters from U+0100 on.
        private static char ByteToken(byte value)
        {
            if (IsPrintable(value))
                return (char)value;

            int index = 0;
            for (int other = 0; other < value; other++)
                index += IsPrintable((byte)other) ? 0 : 1;

            return (char)(0x100 + index);
        }

        private static bool IsPrintable(byte value) => value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and not 0xAD);
    }
}
