using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>The second turn of a chat, to its first token: with the first turn computed, and from nothing.</summary>
public class PrefixReuseBenchmarks : SubjectBenchmarks
{
    private const int AnswerTokens = 8;

    private ChatMessage[] _next = [];

    [Params(512, 2048)]
    public int History { get; set; }

    private protected override int Tokens => History;

    [IterationSetup(Target = nameof(Known))]
    public void AskFirst()
    {
        PrepareNext();
        Ask(Prompts[0].Messages, AnswerTokens);
    }

    [IterationSetup(Target = nameof(Unknown))]
    public void PrepareNext()
    {
        CreatePrompts();
        _next = [.. Prompts[0].Messages, new(ChatRole.Assistant, "Yes."), new(ChatRole.User, "And what comes after that?")];
    }

    [Benchmark]
    public Task Known() => AskNextAsync();

    [Benchmark(Baseline = true)]
    public Task Unknown() => AskNextAsync();

    private protected override void Adjust(EmbeddedModelOptions options)
    {
        options.ContextLength = History + 256;
        options.MaxSequences = 1;
        options.PrefixCacheLength = null;
    }

    private protected override IEnumerable<BenchmarkPrompt> CreatePrompts(Subject subject) => [CreatePrompt(History)];

    private Task<ClientAnswer> AskNextAsync() => Subject.AskAsync(_next, outputTokens: 1);

    // BenchmarkDotNet's setups are not asynchronous; nothing here has a context to wait for.
    private void Ask(ChatMessage[] messages, int outputTokens) => Subject.AskAsync(messages, outputTokens).GetAwaiter().GetResult();
}
