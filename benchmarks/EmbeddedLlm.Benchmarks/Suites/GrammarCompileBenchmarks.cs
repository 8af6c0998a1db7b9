using System.Text.Json;
using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>A schema to a grammar.</summary>
[Config(typeof(ShortConfig))]
public class GrammarCompileBenchmarks
{
    private JsonElement _schema;

    public static IEnumerable<string> Names => GrammarSubject.BuiltIn().Select(line => JsonElement.Parse(line).GetProperty("name").GetString()!);

    [ParamsSource(nameof(Names))]
    public string Schema { get; set; } = "";

    [GlobalSetup]
    public void Find() => _schema = GrammarSubject.BuiltIn().Select(line => JsonElement.Parse(line)).Single(line => line.GetProperty("name").GetString() == Schema).GetProperty("schema");

    [Benchmark]
    public Grammar Compile() => Grammar.FromJsonSchema(_schema);
}
