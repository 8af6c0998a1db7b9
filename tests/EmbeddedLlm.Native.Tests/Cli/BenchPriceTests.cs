using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class BenchPriceTests
{
    private static readonly BenchPrice s_price = new(HourlyCost: 0.36, new ApiPrice(Input: 0.15, Output: 0.60));

    [Fact]
    public void AMillionTokensCostTheHoursThatTheyTake() => Assert.Equal(1.0, s_price.PerMillion(rate: 100), tolerance: 1e-12);

    [Fact]
    public void TheBreakEvenIsWhereTheApiCostsAsMuchAsTheMachine() => Assert.Equal(600_000, s_price.BreakEvenTokensPerHour(apiPrice: 0.60), tolerance: 1e-6);

    [Theory]
    [InlineData(1000, 0.60, "0.6 M tokens an hour, 17 % of its speed")]
    [InlineData(100, 0.60, "never: it would take 1.7 such machines' full speed")]
    [InlineData(1000, 0, "never: it is free")]
    public void TheBreakEvenIsToldInWords(double rate, double apiPrice, string words)
    {
        PriceRow row = new("output", 1, FigureOf(BenchFigures.Decode, "answer 64", rate), s_price.PerMillion(rate), apiPrice);
        Assert.Equal(words, BenchReport.BreakEven(s_price, row, apiPrice));
    }

    [Fact]
    public void InputAndOutputArePricedApartForOneCallerAndForMany()
    {
        Figure[] figures =
        [
            FigureOf(BenchFigures.Prefill, "prompt 128", 1000),
            FigureOf(BenchFigures.Prefill, "8 callers × prompt 128", 2000),
            FigureOf(BenchFigures.Decode, "answer 64", 10),
            FigureOf(BenchFigures.Decode, "4 callers × 32", 20),
            FigureOf(BenchFigures.Decode, "8 callers × 32", 40),
        ];
        Assert.Equal(
            [("input, 1 caller", 0.1, 0.15), ("input, 8 callers", 0.05, 0.15), ("output, 1 caller", 10.0, 0.60), ("output, 8 callers", 2.5, 0.60)],
            s_price.RowsOf(figures).Select(row => (row.Case, Math.Round(row.PerMillion, 9), row.ApiPerMillion!.Value)));
    }

    [Fact]
    public void WhatWasNotMeasuredHasNoPrice() =>
        Assert.Equal(["output, 1 caller"], s_price.RowsOf([FigureOf(BenchFigures.Decode, "answer 64", 10)]).Select(row => row.Case));

    private static Figure FigureOf(string subject, string what, double rate) =>
        new FigureTemplate("m", "cpu", 1).Of(subject, what, FigureUnit.TokensPerSecond, rate);
}
