namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Schemas made to take all time and memory there is. Each gives a grammar or an error in the end; the compiler's own limits decide when, not a clock of the test.</summary>
public sealed class HostileSchemaTests
{
    [Fact]
    public void ALongSchemaIsNotRead() =>
        Assert.Contains("4,194,304", Assert.Throws<GrammarException>(() => SchemaRun.Compile($"{{'description':'{new string('a', 5_000_000)}'}}")).Message);

    [Fact]
    public void ADeepSchemaIsNotRead() =>
        Assert.Contains("256", Assert.Throws<GrammarException>(() => SchemaRun.Compile($"{Repeat("{'not':", 60_000)}true{new string('}', 60_000)}")).Message);

    [Fact]
    public void NestingWithinTheLimitWorks()
    {
        Assert.True(SchemaRun.Compile($"{Repeat("{'not':", 250)}true{new string('}', 250)}").Accepts("1"));
        Assert.True(SchemaRun.Compile($"{Repeat("{'items':", 250)}true{new string('}', 250)}").Accepts("[[1]]"));
    }

    [Fact]
    public void ALongChainOfReferencesIsFollowed()
    {
        string links = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"'d{i}':{{'$ref':'#/$defs/d{i + 1}'}}"));
        Assert.True(SchemaRun.Compile($"{{'$ref':'#/$defs/d0','$defs':{{{links},'d20000':{{'type':'null'}}}}}}").Accepts("null"));
    }

    [Fact]
    public void ALongChainOfRequiredPropertiesIsFollowed()
    {
        string links = string.Join(',', Enumerable.Range(0, 3_000).Select(i => $"'d{i}':{{'type':'object','required':['x'],'properties':{{'x':{{'$ref':'#/$defs/d{i + 1}'}}}}}}"));
        Grammar grammar = SchemaRun.Compile($"{{'$ref':'#/$defs/d0','$defs':{{{links},'d3000':{{'type':'null'}}}}}}");
        Assert.True(grammar.Accepts($"{Repeat("{'x': ", 3_000)}null{new string('}', 3_000)}"));
    }

    [Theory]
    [InlineData("anyOf")]
    [InlineData("oneOf")]
    [InlineData("allOf")]
    public void ATreeOfApplicatorsIsBounded(string keyword)
    {
        string schema = "{'type':'string'}";
        for (int i = 0; i < 12; i++)
            schema = $"{{'{keyword}':[{schema},{schema}]}}";
        Assert.Equal(keyword != "oneOf", SchemaRun.Compile(schema).Accepts("'a'"));
    }

    [Fact]
    public void AChainOfAnyOfsIsRefused()
    {
        string links = string.Join(',', Enumerable.Range(0, 2_000).Select(i => $"'d{i}':{{'anyOf':[{{'$ref':'#/$defs/d{i + 1}'}},{{'$ref':'#/$defs/d{i + 1}'}}]}}"));
        Assert.Throws<GrammarException>(() => SchemaRun.Compile($"{{'$ref':'#/$defs/d0','$defs':{{{links},'d2000':{{'type':'null'}}}}}}"));
    }

    [Fact]
    public void AlternativesThatMultiplyAreRefusedWithTheKeyword()
    {
        string parts = string.Join(',', Enumerable.Range(0, 20).Select(i => $"{{'anyOf':[{{'required':['a{i}']}},{{'properties':{{'b{i}':{{'type':'string'}}}}}}]}}"));
        Assert.Equal("allOf", Assert.Throws<JsonSchemaNotSupportedException>(() => SchemaRun.Compile($"{{'allOf':[{parts}]}}")).Keyword);
    }

    [Theory]
    [InlineData("{'type':'array','minItems':1000000000}", "[1, 2]", false)]
    [InlineData("{'type':'array','minItems':1e30}", "[1, 2]", false)]
    [InlineData("{'type':'array','maxItems':1000000000}", "[1, 2]", true)]
    [InlineData("{'type':'string','minLength':1000000000}", "'a'", false)]
    [InlineData("{'type':'object','maxProperties':1000000000}", "{'a': 1}", true)]
    public void LargeBoundsCostNothing(string schema, string text, bool isAccepted) => Assert.Equal(isAccepted, SchemaRun.Compile(schema).Accepts(text));

    [Fact]
    public void ManyConstantsAreOneAutomaton()
    {
        Grammar texts = SchemaRun.Compile($"{{'enum':[{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"'v{i}'"))}]}}");
        Assert.True(texts.Accepts("'v77777'"));
        Assert.False(texts.Accepts("'v100000'"));
        Grammar numbers = SchemaRun.Compile($"{{'enum':[{string.Join(',', Enumerable.Range(0, 100_000))}]}}");
        Assert.True(numbers.Accepts("77777"));
        Assert.False(numbers.Accepts("100000"));
    }

    [Fact]
    public void ManyConstantObjectsAreRefused() => Assert.Equal(
        "enum",
        Assert.Throws<JsonSchemaNotSupportedException>(() => SchemaRun.Compile($"{{'enum':[{string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"{{'a':{i}}}"))}]}}")).Keyword);

    [Fact]
    public void ManyPropertiesWork()
    {
        string properties = string.Join(',', Enumerable.Range(0, 3_000).Select(i => $"'p{i}':{{'type':'string'}}"));
        Assert.True(SchemaRun.Compile($"{{'type':'object','properties':{{{properties}}}}}").Accepts("{'p7': 'x', 'p2999': 'y'}"));
    }

    [Fact]
    public void ManyBranchesWithADiscriminatorWork()
    {
        string branches = string.Join(',', Enumerable.Range(0, 100).Select(i => $"{{'properties':{{'kind':{{'const':'k{i}'}},'v':{{'const':{i}}}}},'required':['kind','v']}}"));
        Grammar grammar = SchemaRun.Compile($"{{'type':'object','oneOf':[{branches}]}}");
        Assert.True(grammar.Accepts("{'kind': 'k42', 'v': 42}"));
        Assert.False(grammar.Accepts("{'kind': 'k42', 'v': 43}"));
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
