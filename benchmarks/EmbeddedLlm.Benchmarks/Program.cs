using System.CommandLine;
using BenchmarkDotNet.Running;
using EmbeddedLlm.Benchmarks;
using EmbeddedLlm.Benchmarks.Peers;

Option<string[]> models = new("--model")
{
    Description = $"A model: '{BenchmarkFiles.Starter}', '{BenchmarkFiles.Qwen25Of500M}' (random weights in that shape) or the path of a .gguf file. May be repeated.",
    DefaultValueFactory = _ => [BenchmarkFiles.Qwen25Of500M, BenchmarkFiles.Starter],
};
Option<int?> pairs = new("--pairs") { Description = "How many pairs of each measurement. Default: as many as fit into 30 seconds, from 5 to 51." };
Option<int?> threads = new("--threads") { Description = "The CPU threads of both. Default: what the library chooses." };
Option<int?> poll = new("--bare-poll") { Description = "Lets the bare loop keep its threads, spinning for the next decode from 0 (not at all) to 100. Default: new threads for every decode." };
Command ratio = new("ratio", "Measures the client and the bare loop in turns, and prints how they compare.") { models, pairs, threads, poll };
ratio.SetAction((arguments, _) => RatioCommand.RunAsync(arguments.GetValue(models)!, arguments.GetValue(pairs), arguments.GetValue(threads), arguments.GetValue(poll)));

Option<string[]> parts = new("--part")
{
    Description = $"What to measure: {string.Join(", ", CallersCommand.Parts)}. May be repeated. Default: all.",
    DefaultValueFactory = _ => [.. CallersCommand.Parts],
};
parts.AcceptOnlyFromAmong([.. CallersCommand.Parts]);
Option<int[]> callerCounts = new("--callers")
{
    Description = "How many callers come at once. May be repeated.",
    DefaultValueFactory = _ => [.. CallersCommand.CallerCounts],
};
Command callers = new("callers", "Measures many callers, long chats and busy neighbours: throughput beside the bare loop, time to first token, the second turn, threads.") { models, parts, callerCounts, pairs, threads };
callers.SetAction((arguments, _) => CallersCommand.RunAsync(arguments.GetValue(models)!, arguments.GetValue(parts)!, arguments.GetValue(callerCounts)!, arguments.GetValue(pairs), arguments.GetValue(threads)));

Option<int> failures = new("--failures") { Description = "How many schemas of each kind of failure to name. Default: none." };
Command schemas = new("schemas", "Scores JSON schemas over MaskBench's development set and the JSON Schema Test Suite, where they lie in ../shared.") { failures };
schemas.SetAction(arguments => SchemaScoreCommand.Run(arguments.GetValue(failures)));

Command grammarRatio = new("grammar-ratio", "Measures answers held to a schema and free ones in turns, and prints how they compare.") { models, pairs, threads };
grammarRatio.SetAction((arguments, _) => GrammarRatioCommand.RunAsync(arguments.GetValue(models)!, arguments.GetValue(pairs), arguments.GetValue(threads)));

Option<string> vocabulary = new("--vocabulary")
{
    Description = "A vocabulary in ../shared/data/vocab.",
    DefaultValueFactory = _ => "ggml-vocab-qwen2.gguf",
};
Option<int?> limit = new("--limit") { Description = "How many schemas. Default: all." };
Command grammarMasks = new("grammar-masks", "Measures the masks and the compilation of many JSON schemas, and prints percentiles.") { vocabulary, limit };
grammarMasks.SetAction((arguments, _) => GrammarMaskCommand.RunAsync(arguments.GetValue(vocabulary)!, arguments.GetValue(limit)));

RootCommand root = new("""
    The benchmarks of EmbeddedLlm.

    Whatever is not one of the commands below goes to BenchmarkDotNet:
      --list flat             names the suites
      --filter '*Decode*'     runs those that match
    """) { ratio, callers, grammarRatio, grammarMasks, schemas, PeersCommand.Create(models, threads) };
root.TreatUnmatchedTokensAsErrors = false;
root.SetAction(arguments =>
{
    string[] rest = [.. arguments.UnmatchedTokens];
    if (rest.Length == 0)
        return root.Parse("--help").Invoke();
    BenchmarkSwitcher.FromAssembly(typeof(BenchmarkFiles).Assembly).Run(rest);
    return 0;
});
return await root.Parse(args).InvokeAsync();
