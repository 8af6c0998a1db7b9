using System.Text.Json;
using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class WrittenCallTests
{
    [Fact]
    public void OfARepeatedKeyTheLastOneCounts()
    {
        Dictionary<string, object?> arguments = new WrittenCall("f", """{"a":1,"a":2,"o":[{"b":1,"c":null,"b":{"d":1,"d":3}}],"n":null}""").ReadArguments();
        Assert.Equal(["a", "o", "n"], arguments.Keys);
        Assert.Equal("2", arguments["a"]!.ToString());
        Assert.Equal("""[{"b":{"d":3},"c":null}]""", ((JsonElement)arguments["o"]!).GetRawText());
        Assert.Null(arguments["n"]);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{")]
    public void WhatIsNoObjectIsAnError(string arguments) => Assert.ThrowsAny<JsonException>(() => new WrittenCall("f", arguments).ReadArguments());

    [Fact]
    public void NestingIsBounded()
    {
        string deep = new string('[', 100_000) + new string(']', 100_000);
        Assert.ThrowsAny<JsonException>(() => new WrittenCall("f", $"{{\"x\":{deep}}}").ReadArguments());
    }

    /// <summary>An answer is read even where a call in it is not: whoever invokes the function is told what is wrong.</summary>
    [Fact]
    public void ACallThatCannotBeReadCarriesItsError()
    {
        string deep = new string('[', 300) + new string(']', 300);
        AnswerReader reader = new(null, new ToolCallReader(ToolCallFormat.Hermes));
        Microsoft.Extensions.AI.FunctionCallContent call = Assert.IsType<Microsoft.Extensions.AI.FunctionCallContent>(
            Assert.Single(reader.Push(ToolCallFormat.Hermes.Write(("f", $"{{\"x\":{deep}}}", null)), isLast: true).Calls));
        Assert.IsAssignableFrom<JsonException>(call.Exception);
        Assert.True(reader.HasCalls);
    }
}
