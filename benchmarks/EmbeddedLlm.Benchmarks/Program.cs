using System.CommandLine;
using EmbeddedLlm.Benchmarks;

// Long enough for a measurement to come to its end, and for what was measured to be written.
InvocationConfiguration configuration = new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(2) };
return await Commands.Create().Parse(args).InvokeAsync(configuration);
