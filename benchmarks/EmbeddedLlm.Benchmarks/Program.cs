using EmbeddedLlm.Benchmarks;

return await Commands.Create().Parse(args).InvokeAsync();
