using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class TokenLogTests
{
    private static readonly string Prompt = FakeDecoder.PromptsWithAnswersOf(60, 1)[0];

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void EveryGeneratedTokenIsToldOnce(int draftLength)
    {
        SchedulerFixture fixture = new(new FakeDecoder { Repeats = draftLength > 0 }, draftLength: draftLength);
        (string text, List<GeneratedToken> tokens, GenerationSummary summary) = Run(fixture, Request());
        Assert.Equal(text, string.Concat(tokens.Where(token => token.Id < 256).Select(token => token.Text)));
        Assert.Equal(summary.OutputTokens, tokens.Count);
        Assert.All(tokens, token => Assert.NotNull(token.LogProbability));
        Assert.Equal(draftLength > 0, summary.AcceptedTokens > 0);
    }

    [Fact]
    public void TheTokenThatEndsTheAnswerIsAmongThem()
    {
        string prompt = Enumerable.Range(0, 1000).Select(i => $"prompt {i}").First(prompt => FakeDecoder.Answer(prompt, 60).Length is > 5 and < 60);
        (string text, List<GeneratedToken> tokens, _) = Run(new SchedulerFixture(new FakeDecoder()), Request(prompt));
        Assert.Equal((text.Length + 1, FakeDecoder.EndToken, "<|end|>"), (tokens.Count, tokens[^1].Id, tokens[^1].Text));
    }

    [Fact]
    public void ProbabilitiesAreTheModelsOwn()
    {
        // One logit is 1 and all others are 0, whatever penalties and temperature make of them.
        GenerationRequest request = Request(sampling: new SamplingOptions { Temperature = 0.1f, TopK = 1, PresencePenalty = 0.5f });
        (_, List<GeneratedToken> tokens, _) = Run(new SchedulerFixture(new FakeDecoder()), request);
        double total = Math.Log(Math.E + 257);
        Assert.All(tokens, token =>
        {
            Assert.Equal(1 - total, token.LogProbability!.Value, 1e-5);
            Assert.Equal([token.Id, token.Id == 0 ? 1 : 0], token.TopLogProbabilities.Select(other => other.Id));
            Assert.Equal(-total, token.TopLogProbabilities[1].LogProbability, 1e-5);
        });
    }

    [Fact]
    public void OnlyIdsAreToldWhereOnlyTheyAreAskedFor()
    {
        (_, List<GeneratedToken> tokens, _) = Run(new SchedulerFixture(new FakeDecoder()), Request(report: new TokenReport(false, 0)));
        Assert.All(tokens, token => Assert.Equal((null, 0, false), (token.LogProbability, token.TopLogProbabilities.Count, token.IsForced)));
    }

    [Fact]
    public void NothingIsToldUnasked()
    {
        (string text, List<GeneratedToken> tokens, _) = Run(new SchedulerFixture(new FakeDecoder()), SchedulerFixture.Request(Prompt, 60));
        Assert.Equal((60, 0), (text.Length, tokens.Count));
    }

    [Fact]
    public void ForcedTokensAreToldWithoutAProbability()
    {
        GrammarVocabulary vocabulary = new(FakeDecoder.Vocabulary);
        GenerationRequest request = new()
        {
            Prompt = Request().Prompt,
            Sampling = new SamplingOptions { Temperature = 0 },
            TokenReport = new TokenReport(true, 1),
            Constraint = new AnswerConstraint
            {
                Grammar = Grammar.FromGbnf("root ::= \"ab\" [a-z] \"cd\""),
                Vocabulary = vocabulary,
                Tokenize = text => [.. text.Select(character => (int)character)],
            },
        };
        (string text, List<GeneratedToken> tokens, GenerationSummary summary) = Run(new SchedulerFixture(new FakeDecoder()), request);
        Assert.Equal(text, string.Concat(tokens.Select(token => token.Text)));
        Assert.Equal([true, true, false, true, true], tokens.Select(token => token.IsForced));
        Assert.Equal([null, null, 1, null, null], tokens.Select(token => token.LogProbability is null ? null : (int?)token.TopLogProbabilities.Count));
        Assert.Equal(4, summary.ForcedTokens);
    }

    [Fact]
    public async Task NoTokenComesBeforeItsText()
    {
        // The stop string's first half occurs, so the text is held back for a while.
        string answer = FakeDecoder.Answer(Prompt, 60);
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream stream = fixture.Scheduler.Submit(Request(stops: [answer[10..20] + "?", answer[30..40]]), default);
        string text = "";
        List<GeneratedToken> tokens = [];
        bool wasHeld = false;
        int steps = 0;
        while (fixture.Scheduler.Step())
        {
            steps++;
            text += stream.ReadText(out IReadOnlyList<GeneratedToken> more);
            tokens.AddRange(more);
            Assert.Equal(text, string.Concat(tokens.Select(token => token.Text)));
            wasHeld |= text.Length < steps;
        }

        Assert.True(wasHeld);
        Assert.False(await stream.WaitToReadAsync());
        Assert.Equal(answer[..30], text);
        Assert.Equal(40, stream.Summary.OutputTokens);
    }

    [Fact]
    public void AnUnfinishedCharacterHoldsItsTokensBack()
    {
        TokenLog log = new(new TokenReport(false, 0));
        foreach (int token in (int[])[0xE2, 0x82])
        {
            log.Add(token, 1, FakeDecoder.Vocabulary);
            log.Release(0, isFinal: false);
        }

        Assert.Empty(log.Ready);
        log.Add(0xAC, 1, FakeDecoder.Vocabulary);
        log.Release(3, isFinal: false);
        Assert.Equal([0xE2, 0x82, 0xAC], log.Ready.Select(token => token.Id));
    }

    [Fact]
    public void ATokenCutInItsMidstIsToldAndThoseBehindItAreNot()
    {
        TokenLog log = new(new TokenReport(false, 0));
        log.Add('a', 4, FakeDecoder.Vocabulary);
        log.Add('b', 4, FakeDecoder.Vocabulary);
        log.Add('c', 4, FakeDecoder.Vocabulary);
        log.Release(5, isFinal: true);
        Assert.Equal(['a', 'b'], log.Ready.Select(token => (char)token.Id));
    }

    private static GenerationRequest Request(string? prompt = null, string[]? stops = null, SamplingOptions? sampling = null, TokenReport? report = null)
    {
        GenerationRequest plain = SchedulerFixture.Request(prompt ?? Prompt, 60, stops);
        return new GenerationRequest
        {
            Prompt = plain.Prompt,
            MaxOutputTokens = 60,
            StopStrings = plain.StopStrings,
            Sampling = sampling ?? plain.Sampling,
            TokenReport = report ?? new TokenReport(true, 2),
        };
    }

    private static (string Text, List<GeneratedToken> Tokens, GenerationSummary Summary) Run(SchedulerFixture fixture, GenerationRequest request)
    {
        GenerationStream stream = fixture.Scheduler.Submit(request, default);
        string text = "";
        List<GeneratedToken> tokens = [];
        while (fixture.Scheduler.Step())
            Read();
        Read();
        Assert.True(stream.IsComplete);
        return (text, tokens, stream.Summary);

        void Read()
        {
            text += stream.ReadText(out IReadOnlyList<GeneratedToken> more);
            tokens.AddRange(more);
        }
    }
}
