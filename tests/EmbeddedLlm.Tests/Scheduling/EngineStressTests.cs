using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Callers on many threads, and an engine that ends at any time in any of its ways: whatever comes together, nobody is left waiting.</summary>
public sealed class EngineStressTests
{
    private const int Callers = 6;

    [Fact]
    public async Task NobodyWaitsForEverHoweverCallersComeAndGoAndTheEngineEnds()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            Task run = Run(seed);
            Assert.True(await Task.WhenAny(run, Task.Delay(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)) == run, $"Somebody waits for ever with seed {seed}.");
            await run;
        }
    }

    private static async Task Run(int seed)
    {
        Random random = new(seed);
        FakeDecoder decoder = new(random.Next(2, 7), cells: random.Next(150, 400), batch: random.Next(8, 40)) { KeepsHistory = false, Repeats = true };
        decoder.OnDecode = step => step % 97 == 0 ? DecodeResult.Failed : step % 131 == 0 ? throw new InvalidOperationException("on purpose") : decoder.AbortRequests > 0 && step % 3 == 0 ? DecodeResult.Aborted : DecodeResult.Done;
        SchedulerLimits limits = new()
        {
            ContextLength = 120,
            QueueCapacity = random.Next(1, 8),
            MaxRunning = random.Next(1, 8),
            PacesPrefill = true,
            PrefixCells = random.Next(0, 150),
            DraftLength = random.Next(0, 5),
            WakeInterval = TimeSpan.FromMilliseconds(random.Next(2)),
        };
        Engine engine = new(decoder, FakeDecoder.Vocabulary, limits, NullLogger.Instance);
        Task[] callers = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(() => Call(engine, new Random((seed * Callers) + caller))))];
        await Task.WhenAny(callers[0], Task.Run(() => Thread.SpinWait(random.Next(3_000_000))));
        switch (seed % 4)
        {
            case 0:
                await engine.DisposeAsync();
                break;
            case 1:
                await engine.DrainAsync(default);
                Assert.Equal(0, engine.Statistics.Running + engine.Statistics.Waiting);
                break;
            case 2:
                engine.EndWhenIdle();
                break;
            default:
                // All callers come to an end by themselves.
                break;
        }

        await Task.WhenAll(callers);
        await engine.DisposeAsync();
        Assert.True(decoder.IsDisposed);
    }

    private static async Task Call(Engine engine, Random random)
    {
        for (int i = 0; i < 60; i++)
        {
            using CancellationTokenSource source = new();
            int[] prompt = [.. Enumerable.Repeat((int)'a', random.Next(1, 60)), random.Next('a', 'z')];
            PinnedPrefix? prefix = random.Next(6) == 0 ? new PinnedPrefix(prompt) : null;
            try
            {
                GenerationStream stream = engine.Submit(
                    new GenerationRequest
                    {
                        Prompt = prompt,
                        Prefix = prefix,
                        MaxOutputTokens = random.Next(1, 40),
                        Priority = random.Next(3),
                        Sampling = SamplingOptions.Greedy,
                        Constraint = prefix is null && random.Next(4) == 0 ? SimulatedModel.Constraint(random.Next(SimulatedModel.ConstraintCount)) : null,
                        RequestTimeout = random.Next(8) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 4)) : null,
                    },
                    source.Token);
                Task<int>? call = random.Next(4) == 0 ? engine.InvokeAsync(scheduler => scheduler.FreeSlots, source.Token) : null;
                if (random.Next(3) == 0)
                {
                    Thread.SpinWait(random.Next(5000));
                    if (random.Next(2) == 0)
                        await source.CancelAsync();
                    else
                        stream.Abandon();
                }

                if (random.Next(2) == 0)
                    await stream.WaitForAllAsync();
                else
                    while (await stream.WaitToReadAsync())
                        stream.ReadText();
                if (call is not null)
                    await call;
                if (prefix is not null)
                    await engine.InvokeAsync(
                        scheduler =>
                        {
                            scheduler.Release(prefix);
                            return true;
                        },
                        default);
            }
            catch (Exception exception) when (exception is OperationCanceledException or TimeoutException or EmbeddedLlmException)
            {
                Assert.DoesNotContain("for good", exception.Message, StringComparison.Ordinal);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }
}
