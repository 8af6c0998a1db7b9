using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>
/// The child: loads each file that standard input names, uses what loads, and says on standard output what became of it: a line that begins with <c>used</c>, <c>refused</c>, or
/// <c>unexpected</c> where an exception is none that callers are told of.
/// </summary>
internal static partial class ModelHost
{
    // Synthetic models take megabytes. A file that makes more of itself than this shall find that out.
    private const ulong MostMemory = 4UL << 30;

    /// <summary>Numbers from here on have the file quantised and not used: to the type of that place in <see cref="Types"/>.</summary>
    public const int FirstQuantization = 1000;

    /// <summary>Numbers from here on have the file used in the way of that place in <see cref="Uses"/>.</summary>
    public const int FirstUse = 1_000_000;

    /// <summary>What a model can be quantised to.</summary>
    public static QuantizationType[] Types { get; } = Enum.GetValues<QuantizationType>();

    public static async Task<int> RunAsync()
    {
        LimitMemory();
        TextWriter output = Console.Out;
        while (await Console.In.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            string[] words = line.Split('\t');
            string answer = await UseAsync(words[1], int.Parse(words[0], CultureInfo.InvariantCulture), words.ElementAtOrDefault(2)).ConfigureAwait(false);
            await output.WriteLineAsync(answer.ReplaceLineEndings(" ")).ConfigureAwait(false);
            await output.FlushAsync().ConfigureAwait(false);
        }

        return 0;
    }

    private static async Task<string> UseAsync(string path, int number, string? adapter)
    {
        int? way = number >= FirstUse ? number - FirstUse : null;
        if (way is null && number >= FirstQuantization)
            return await QuantizeAsync(path, Types[(number - FirstQuantization) % Types.Length]).ConfigureAwait(false);
        EmbeddedModelOptions options = way is { } chosen ? Uses.OptionsOf(chosen, path) : OptionsOf(number);
        if (adapter is not null)
            options.Adapters = [new LoraAdapter(adapter)];
        EmbeddedModel model;
        try
        {
            model = await EmbeddedModel.LoadAsync(path, options).ConfigureAwait(false);
        }
        catch (EmbeddedLlmException exception)
        {
            return $"refused {exception.GetType().Name}: {exception.Message}";
        }
        catch (Exception exception)
        {
            return $"unexpected {exception}";
        }

        try
        {
            await using (model.ConfigureAwait(false))
                return $"used {await (way is null ? UseAsync(model, number) : Uses.UseAsync(model, path)).ConfigureAwait(false)}";
        }
        catch (Exception exception)
        {
            return $"unexpected {exception}";
        }
    }

    private static async Task<string> QuantizeAsync(string path, QuantizationType type)
    {
        try
        {
            await ModelQuantizer.QuantizeAsync(path, path + ".out", type, new QuantizationOptions { Overwrite = true, AllowRequantization = true, Threads = 2 }).ConfigureAwait(false);
            return "used for quantisation";
        }
        catch (Exception exception) when (exception is EmbeddedLlmException or IOException)
        {
            return $"refused {exception.GetType().Name}: {exception.Message}";
        }
        catch (Exception exception)
        {
            return $"unexpected {exception}";
        }
    }

    // The defaults now and then, since they are what most loads use; small contexts else, since they are quick.
    private static EmbeddedModelOptions OptionsOf(int number) => number % 8 == 0
        ? new EmbeddedModelOptions()
        : new EmbeddedModelOptions
        {
            ContextLength = 128,
            MaxSequences = 2,
            Threads = 1,
            MemoryMap = number % 2 == 0,
            ChatTemplateFallback = ChatTemplateFallback.ChatMl,
        };

    private static async Task<string> UseAsync(EmbeddedModel model, int number)
    {
        const string Text = "Hello, wörld! 123 \u65E5\u672C <|im_start|></s>\0\u200B";
        int[] tokens = model.Tokenize(Text, parseSpecial: true);
        // A vocabulary without a token for what is unknown gives -1 in its place.
        model.Detokenize([.. tokens.Where(token => token >= 0)], includeSpecial: true);
        int count = tokens.Length;
        IChatClient? chat = null;
        bool isEncoder = false;
        try
        {
            chat = model.AsChatClient();
        }
        catch (NotSupportedException)
        {
            isEncoder = true;
        }
        catch (EmbeddedLlmException)
        {
            // A chat template that is none; completion needs none.
        }

        if (!isEncoder)
            count += await ToleratedAsync(async () => (await model.CompleteAsync(Text, new CompletionOptions { MaxOutputTokens = 4, Seed = 1 }).ConfigureAwait(false)).Text.Length).ConfigureAwait(false);
        if (chat is not null)
            count += await ToleratedAsync(async () => (await chat.GetResponseAsync(Text, new ChatOptions { MaxOutputTokens = 2 }).ConfigureAwait(false)).Text.Length).ConfigureAwait(false);
        if (isEncoder || number % 16 == 1)
        {
            count += await ToleratedAsync(async () => (await model.AsEmbeddingGenerator(new EmbeddingOptions { MaxInputTokens = 64 }).GenerateAsync(["Hello!", "a"]).ConfigureAwait(false)).Count).ConfigureAwait(false);
            count += await ToleratedAsync(async () => (await model.RerankAsync("Hello", ["a", "b"]).ConfigureAwait(false)).Count).ConfigureAwait(false);
        }

        return count.ToString(CultureInfo.InvariantCulture);
    }

    // What the members say of themselves that they throw; a broken model may give a prompt without tokens, or scores that are no numbers.
    private static async Task<int> ToleratedAsync(Func<Task<int>> use)
    {
        try
        {
            return await use().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is EmbeddedLlmException or NotSupportedException or ArgumentException)
        {
            return 0;
        }
    }

    private static void LimitMemory()
    {
        const int Data = 2;
        if (OperatingSystem.IsLinux())
            SetLimit(Data, new Limit { Soft = MostMemory, Hard = MostMemory });
    }

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
