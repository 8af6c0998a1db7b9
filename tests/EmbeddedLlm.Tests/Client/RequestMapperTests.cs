using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Grammars;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class RequestMapperTests
{
    private static readonly JsonSerializerOptions s_compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>What .NET writes of a value is an answer that the value's type asks for, so that an answer can be one that .NET reads.</summary>
    [Fact]
    public void WhatATypesSchemaAsksForIsWhatItReads()
    {
        AssertReads(new TimeOnly(14, 30, 15));
        AssertReads(new TimeOnly(14, 30, 15, 250));
        AssertReads(new DateOnly(2024, 2, 29));
        AssertReads(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        AssertReads(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(-3)));
        AssertReads(TimeSpan.FromHours(-30.5));
        AssertReads(Guid.NewGuid());
        AssertReads(new Uri("https://example.test/a?b=c"));
        AssertReads(new Version(1, 2, 3));
        AssertReads(-1.25m);
        AssertReads<byte[]>([0, 1, 255]);
        AssertReads<Shape[]>([new Circle(1.5), new Square(2)]);
        AssertReads<Dictionary<string, int?>>(new() { ["a"] = 1 });
        AssertReads<DayOfWeek?>(DayOfWeek.Friday);
    }

    [Fact]
    public void ATimeMayHaveAnOffsetAllTheSame()
    {
        ChatOptions options = new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"string","format":"time"}""")) };
        Grammar grammar = RequestMapper.GrammarOf(options, null, null)!;
        Assert.True(grammar.Accepts("\"14:30:00+02:00\""u8));
        Assert.False(grammar.Accepts("\"14:30\""u8));
        Assert.False(grammar.Accepts("\"24:30:00\""u8));
    }

    [Fact]
    public void AFunctionsTimeMayGoWithoutAnOffset()
    {
        GrammarNode arguments = ToolGrammar.JsonArguments(AIFunctionFactory.Create((TimeOnly at) => at.Hour, "wake"));
        Assert.True(new Grammar(arguments).Accepts("{\"at\": \"06:30:00\"}"u8));
    }

    private static void AssertReads<T>(T value)
    {
        Grammar grammar = RequestMapper.GrammarOf(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<T>() }, null, null)!;
        string json = JsonSerializer.Serialize(value, s_compact).Replace(",", ", ", StringComparison.Ordinal).Replace("\":", "\": ", StringComparison.Ordinal);
        Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(json)), $"{typeof(T).Name}: {json}");
    }

    [System.Text.Json.Serialization.JsonDerivedType(typeof(Circle), "circle")]
    [System.Text.Json.Serialization.JsonDerivedType(typeof(Square), "square")]
    private abstract record Shape;

    private sealed record Circle(double Radius) : Shape;

    private sealed record Square(double Side) : Shape;
}
