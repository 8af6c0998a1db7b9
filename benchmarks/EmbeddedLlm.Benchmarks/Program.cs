return await EmbeddedLlm.Benchmarks.Commands.RunAsync(args);
