using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
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
    public void ATimeHasNoOffsetSinceNoTypeReadsOne()
    {
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<TimeOnly>("\"14:30:00+02:00\""));
        Grammar grammar = GrammarOf(JsonElement.Parse("""{"type":"string","format":"time"}"""));
        Assert.True(grammar.Accepts("\"14:30:00\""u8));
        Assert.False(grammar.Accepts("\"14:30:00+02:00\""u8));
        Assert.False(grammar.Accepts("\"14:30:00Z\""u8));
        Assert.False(grammar.Accepts("\"14:30\""u8));
        Assert.False(grammar.Accepts("\"24:30:00\""u8));
    }

    [Fact]
    public void ATimeHasAnOffsetWhereItIsAskedFor() =>
        Assert.True(GrammarOf(JsonElement.Parse("""{"type":"string","format":"time","pattern":"Z$"}""")).Accepts("\"14:30:00Z\""u8));

    [Fact]
    public void ACharIsNoHalfOfItsText()
    {
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<char>("\"😀\""));
        foreach (JsonElement schema in (ReadOnlySpan<JsonElement>)[AIJsonUtilities.CreateJsonSchema(typeof(char)), AIJsonUtilities.CreateJsonSchema(typeof(char?))])
        {
            Assert.True(GrammarOf(schema).Accepts("\"é\""u8));
            Assert.False(GrammarOf(schema).Accepts("\"😀\""u8));
        }

        Assert.True(GrammarOf(JsonElement.Parse("""{"type":"string","maxLength":2}""")).Accepts("\"😀\""u8));
    }

    /// <summary>Microsoft.Extensions.AI writes these bounds as strings.</summary>
    [Fact]
    public void ADecimalsRangeHolds()
    {
        JsonElement schema = AIJsonUtilities.CreateJsonSchema(typeof(Priced));
        Assert.Equal(JsonValueKind.String, schema.GetProperty("properties").GetProperty("price").GetProperty("minimum").ValueKind);
        Assert.True(GrammarOf(schema).Accepts("{\"price\": 0.75}"u8));
        Assert.False(GrammarOf(schema).Accepts("{\"price\": 0.4}"u8));
        Assert.False(GrammarOf(schema).Accepts("{\"price\": 3}"u8));
    }

    [Fact]
    public void AMethodsTimeHasNoOffset()
    {
        Grammar arguments = new(ToolGrammar.JsonArguments(AIFunctionFactory.Create((TimeOnly at) => at.Hour, "wake")));
        Assert.True(arguments.Accepts("{\"at\": \"06:30:00\"}"u8));
        Assert.False(arguments.Accepts("{\"at\": \"06:30:00Z\"}"u8));
    }

    /// <summary>A server's function has a schema of anybody, who may read a time as RFC 3339 has it or as .NET does.</summary>
    [Fact]
    public void ADeclaredFunctionsTimeMayHaveAnOffset()
    {
        JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"at":{"type":"string","format":"time"}}}""");
        Grammar arguments = new(ToolGrammar.JsonArguments(AIFunctionFactory.CreateDeclaration("wake", null, schema)));
        Assert.True(arguments.Accepts("{\"at\": \"06:30:00\"}"u8));
        Assert.True(arguments.Accepts("{\"at\": \"06:30:00Z\"}"u8));
    }

    private static Grammar GrammarOf(JsonElement schema) => RequestMapper.GrammarOf(new() { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) }, null, null)!;

    private sealed record Priced([property: Range(typeof(decimal), "0.5", "2.5")] decimal Price);

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
