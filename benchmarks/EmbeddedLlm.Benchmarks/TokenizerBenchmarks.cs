using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks;

/// <summary>Text to tokens and back, with the vocabulary of Qwen2.5 or one of its size.</summary>
[InProcess]
[MemoryDiagnoser]
public class TokenizerBenchmarks
{
    private const string Sentence = "The quick brown fox, born in 1987, doesn't jump over 3 lazy dogs: \"größer\" 日本語 🦊\n";

    private EmbeddedModel? _model;
    private string _text = "";
    private int[] _tokens = [];

    [Params(1, 100)]
    public int Sentences { get; set; }

    private EmbeddedModel Model => _model ?? throw new InvalidOperationException("The model is not loaded.");

    [GlobalSetup]
    public async Task LoadAsync()
    {
        _model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(BenchmarkFiles.Qwen25Of500M), new EmbeddedModelOptions { ContextLength = 512 });
        _text = string.Concat(Enumerable.Repeat(Sentence, Sentences));
        _tokens = Model.Tokenize(_text);
    }

    [Benchmark]
    public int[] Tokenize() => Model.Tokenize(_text);

    [Benchmark]
    public string Detokenize() => Model.Detokenize(_tokens);

    [GlobalCleanup]
    public async Task DisposeAsync()
    {
        if (_model is not null)
            await _model.DisposeAsync();
    }
}
