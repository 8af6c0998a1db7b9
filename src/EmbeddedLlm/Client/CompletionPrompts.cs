using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Client;

/// <summary>Makes the tokens of prompts that go without a chat template. The callers' texts are mere characters: no control token can be made of them.</summary>
internal static class CompletionPrompts
{
    /// <summary>The text alone, begun as the model's tokenizer wants it.</summary>
    /// <exception cref="ArgumentException">There is no token in it.</exception>
    public static int[] Plain(Tokenizer tokenizer, string prompt, CancellationToken cancellationToken)
    {
        int[] tokens = tokenizer.TokenizePrompt([new TextPart(prompt, IsTemplate: false)], cancellationToken);
        return tokens.Length > 0 ? tokens : throw new ArgumentException("The prompt is empty, and the model has no token that begins a text.", nameof(prompt));
    }

    /// <summary>[begin] [repository name] [file name text]* [file name] prefix-token prefix suffix-token suffix middle-token.</summary>
    /// <exception cref="NotSupportedException">The model has not the tokens for it.</exception>
    /// <exception cref="ArgumentException">The options are inconsistent.</exception>
    public static int[] Infill(Tokenizer tokenizer, InfillTokens special, string prefix, string suffix, InfillOptions? options)
    {
        if (!special.CanInfill)
            throw new NotSupportedException("The model cannot fill a gap: its vocabulary does not name the tokens for what is before, behind and in one (tokenizer.ggml.fim_pre_token_id, fim_suf_token_id, fim_mid_token_id).");
        List<int> tokens = [];
        if (tokenizer.BeginOfSequence >= 0)
            tokens.Add(tokenizer.BeginOfSequence);
        if (options?.RepositoryName is { } repository)
            Append(Needed(special.Repository, nameof(options.RepositoryName), "fim_rep_token_id"), repository + "\n");
        if (options?.Files is { Count: > 0 } files)
        {
            if (options.FileName is null)
                throw new ArgumentException($"{nameof(options.FileName)} is needed beside {nameof(options.Files)}: the model tells files apart by their names.", nameof(options));
            foreach (InfillFile file in files)
                Append(Needed(special.File, nameof(options.Files), "fim_sep_token_id"), EndedLine(file.Name + "\n" + file.Text));
        }

        if (options?.FileName is { } name)
            Append(Needed(special.File, nameof(options.FileName), "fim_sep_token_id"), name + "\n");
        Append(special.Prefix, prefix);
        Append(special.Suffix, suffix);
        tokens.Add(special.Middle);
        return [.. tokens];

        void Append(int control, string text)
        {
            tokens.Add(control);
            tokens.AddRange(tokenizer.Tokenize(text, parseSpecial: false));
        }
    }

    private static int Needed(int token, string option, string key) =>
        token >= 0 ? token : throw new NotSupportedException($"{nameof(InfillOptions)}.{option} is not supported: the model's vocabulary has no token for it (tokenizer.ggml.{key}).");

    private static string EndedLine(string text) => text.EndsWith('\n') ? text : text + "\n";
}
