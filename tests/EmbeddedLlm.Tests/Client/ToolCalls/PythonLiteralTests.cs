using EmbeddedLlm.Client;

namespace EmbeddedLlm.Tests.Client;

public sealed class PythonLiteralTests
{
    [Theory]
    [InlineData("True", "true")]
    [InlineData("None", "null")]
    [InlineData(" -1.5e+3 ", "-1.5e+3")]
    [InlineData("'it\\'s \"x\"'", "\"it's \\\"x\\\"\"")]
    [InlineData("\"\\u00e5\\x41\\U0001F600\\n\\q\"", "\"åA\\uD83D\\uDE00\\n\\\\q\"")]
    [InlineData("{'a': (1, 2,), \"b\": [None, {}]}", "{\"a\":[1,2],\"b\":[null,{}]}")]
    [InlineData("{\"a\": true}", "{\"a\":true}")]
    public void AValueIsReadAsJson(string text, string expected) => Assert.Equal(expected, PythonLiteral.TryRead(text, isWhole: true, out _));

    [Theory]
    [InlineData("")]
    [InlineData("Oslo")]
    [InlineData("'open")]
    [InlineData("'end\\")]
    [InlineData("[1, 2")]
    [InlineData("[1}")]
    [InlineData("]")]
    [InlineData("'\\uD8'")]
    [InlineData("'\\UFFFFFFFF'")]
    [InlineData("1.2.3")]
    public void WhatIsNoWholeValueIsNone(string text) => Assert.Null(PythonLiteral.TryRead(text, isWhole: true, out _));

    [Fact]
    public void ANumberAtTheEndMayGoOn()
    {
        Assert.Null(PythonLiteral.TryRead("12", isWhole: false, out _));
        Assert.Equal("12", PythonLiteral.TryRead("12)", isWhole: false, out int length));
        Assert.Equal(2, length);
    }

    [Fact]
    public void DeepNestingIsNoValueAndNoHarm() => Assert.Null(PythonLiteral.TryRead(new string('[', 100_000) + new string(']', 100_000), isWhole: true, out _));
}
