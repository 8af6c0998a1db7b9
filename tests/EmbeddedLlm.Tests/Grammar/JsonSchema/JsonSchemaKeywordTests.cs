namespace EmbeddedLlm.Tests.Grammars;

public sealed class JsonSchemaKeywordTests
{
    [Theory]
    [InlineData("true", "null|1|'a'|[]|{}|[1,{'a':[]}]", "nul|[1,]|{'a'}")]
    [InlineData("{}", "null|1.5e3|'a'|[]|{}", "")]
    [InlineData("false", "", "null|1|{}")]
    [InlineData("{'type':'null'}", "null", "0|'null'|false")]
    [InlineData("{'type':'boolean'}", "true|false", "0|'true'|null")]
    [InlineData("{'type':'integer'}", "0|-12|1.0|100e0", "1.5|'1'|true")]
    [InlineData("{'type':['string','null']}", "'a'|null", "1|[]")]
    [InlineData("{'type':'string','nullable':true}", "'a'|null", "1")]
    [InlineData("{'$schema':'http://json-schema.org/draft-04/schema#','type':'integer'}", "1|-3", "1.0|1.5")]
    [InlineData("{'enum':['a',1,null,[1,'b'],{'x':{'y':2}}]}", "'a'|1|1.0|null|[1,'b']|{'x':{'y':2}}|[1.0,'b']", "'b'|2|[1]|{'x':{}}|[1,'b',2]")]
    [InlineData("{'const':{'a':1,'b':[true]}}", "{'a':1,'b':[true]}|{'b':[true],'a':1.0}", "{'a':1}|{'a':1,'b':[1]}|{'a':1,'b':[true],'c':0}")]
    [InlineData("{'const':0}", "0|0.0|-0", "false|null|1")]
    [InlineData("{'$schema':'http://json-schema.org/draft-04/schema#','type':'integer','enum':[0,7]}", "0|-0|7", "0.0|7.0|-7|1")]
    [InlineData("{'const':false}", "false", "0|null")]
    public void TypesAndConstants(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'minimum':3}", "3|4|3.1|'x'", "2.9|-3")]
    [InlineData("{'exclusiveMinimum':3}", "3.01|4", "3|3.0")]
    [InlineData("{'minimum':3,'exclusiveMinimum':true}", "3.01|4", "3|3.0|2")]
    [InlineData("{'maximum':3,'exclusiveMaximum':false}", "3|2", "3.1")]
    [InlineData("{'type':'integer','minimum':-3,'maximum':12}", "-3|0|12|7", "-4|13|1.5")]
    [InlineData("{'multipleOf':0.1}", "0.1|7|12.3", "0.15|7.01")]
    [InlineData("{'type':'number','not':{'multipleOf':7}}", "1|6|8|6.5|700.1", "7|0|-14|7.0|70e1")]
    [InlineData("{'type':'number','not':{'type':'integer'}}", "1.5|-0.25", "1|2.0|0")]
    [InlineData("{'type':'integer','not':{'enum':[3,5]}}", "2|4|6|-3", "3|5|5.0")]
    [InlineData("{'type':'integer','allOf':[{'not':{'multipleOf':2}},{'not':{'multipleOf':3}}]}", "1|5|7|35", "2|3|6|9|4")]
    [InlineData("{'type':'number','minimum':5,'maximum':4}", "", "4|5|4.5")]
    [InlineData("{'type':'integer','format':'int32'}", "0|2147483647|-2147483648", "2147483648|-2147483649|99999999999999999999")]
    [InlineData("{'type':'integer','format':'int64'}", "9223372036854775807|-9223372036854775808", "9223372036854775808|-9223372036854775809")]
    [InlineData("{'type':'integer','format':'uint64'}", "0|18446744073709551615", "18446744073709551616|-1")]
    [InlineData("{'type':'integer','format':'uint8','minimum':7}", "7|255", "6|256")]
    [InlineData("{'type':'integer','format':'int8'}", "127|-128", "128|-129")]
    [InlineData("{'type':'integer','format':'int16'}", "32767|-32768", "32768|-32769")]
    [InlineData("{'type':'integer','format':'uint16'}", "65535|0", "65536|-1")]
    [InlineData("{'type':'integer','format':'uint32'}", "4294967295|0", "4294967296|-1")]
    [InlineData("{'type':'integer','format':'double-int'}", "9007199254740991|-9007199254740991", "9007199254740992|-9007199254740992")]
    [InlineData("{'type':'number','format':'int32'}", "1|1.0", "1.5")]
    [InlineData("{'type':'number','format':'double'}", "1.5|99999999999999999999", "'x'")]
    [InlineData("{'format':'int32'}", "1|'x'|null|'2147483648'", "2147483648")]
    [InlineData("{'type':'integer','not':{'format':'int8'}}", "128|-129", "127|-128|0")]
    public void Numbers(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'minLength':2,'maxLength':3}", "'ab'|'abc'|'😀é'|1", "'a'|'abcd'|''")]
    [InlineData("{'pattern':'^a+$'}", "'a'|'aaa'|5", "'b'|''|'ab'")]
    [InlineData("{'pattern':'b'}", "'abc'|'b'", "'ac'")]
    [InlineData("{'pattern':'^[a-c]*$','minLength':2,'maxLength':3}", "'ab'|'ccc'", "'a'|'abcd'|'xy'")]
    [InlineData("{'type':'string','not':{'pattern':'b'}}", "'ac'|''", "'abc'")]
    [InlineData("{'type':'string','not':{'minLength':2}}", "'a'|''", "'ab'")]
    [InlineData("{'type':'string','format':'date'}", "'2024-02-29'", "'2024-02-30'|'x'")]
    [InlineData("{'type':'string','format':'what-nobody-knows'}", "'x'", "1")]
    [InlineData("{'type':'string','not':{'enum':['a','b']}}", "'c'|'ab'|''", "'a'|'b'")]
    [InlineData("{'type':'string','not':{'maxLength':2147483647}}", "", "'ab'|''")]
    [InlineData("{'type':'string','oneOf':[{'maxLength':2147483647},{'maxLength':3}]}", "'abcd'", "'abc'|''")]
    [InlineData("{'type':'string','not':{'maxLength':1e30}}", "", "'ab'|''")]
    public void Strings(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'items':{'type':'integer'}}", "[]|[1]|[1,2]|'x'", "['a']|[1,null]")]
    [InlineData("{'prefixItems':[{'type':'integer'},{'type':'string'}]}", "[]|[1]|[1,'a']|[1,'a',null]", "['a']|[1,2]")]
    [InlineData("{'prefixItems':[{'type':'integer'}],'items':false}", "[]|[1]", "[1,2]")]
    [InlineData("{'items':[{'type':'integer'}],'additionalItems':{'type':'string'}}", "[1,'a']|[]", "[1,2]|['a']")]
    [InlineData("{'minItems':1,'maxItems':2}", "[1]|[1,2]", "[]|[1,2,3]")]
    [InlineData("{'type':'array','contains':{'type':'string'}}", "['a']|[1,'a',2]", "[]|[1,2]")]
    [InlineData("{'type':'array','contains':{'const':1},'minContains':2,'maxContains':3}", "[1,1]|[1,0,1,1]", "[1]|[1,1,1,1]|[]")]
    [InlineData("{'contains':{'const':1},'minContains':0}", "[]|[2]", "")]
    [InlineData("{'type':'array','items':{'enum':['a','b','c']},'uniqueItems':true,'minItems':2}", "['a','b']|['c','a','b']", "['a']|['a','a']|['a','b','a']")]
    [InlineData("{'type':'array','items':{'type':'boolean'},'uniqueItems':true}", "[]|[true,false]", "[true,true]|[true,false,true]")]
    [InlineData("{'uniqueItems':true,'maxItems':1}", "[]|[1]", "[1,2]")]
    [InlineData("{'type':'array','not':{'items':{'type':'string'}}}", "[1]|['a',1]", "[]|['a']")]
    [InlineData("{'type':'array','not':{'minItems':2}}", "[]|[1]", "[1,2]")]
    [InlineData("{'type':'array','not':{'contains':{'type':'null'}}}", "[]|[1]", "[null]|[1,null]")]
    [InlineData("{'type':'array','allOf':[{'contains':{'multipleOf':2}},{'contains':{'multipleOf':3}}],'maxItems':2,'items':{'type':'integer'}}", "[6]|[2,3]|[3,2]|[1,6]", "[2]|[1,2]|[2,4]|[1,2,3]")]
    public void Arrays(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'properties':{'a':{'type':'integer'}}}", "{}|{'a':1}|{'b':'x'}|{'b':'x','a':1}|[]", "{'a':'x'}|{'a':1,'a':2}")]
    [InlineData("{'type':'object','required':['a','b']}", "{'a':1,'b':2}|{'b':0,'c':1,'a':1}", "{}|{'a':1}|{'b':1}")]
    [InlineData("{'properties':{'a':{}},'additionalProperties':false}", "{}|{'a':[]}|1", "{'b':1}")]
    [InlineData("{'properties':{'a':{}},'additionalProperties':{'type':'null'}}", "{'b':null}|{'a':1,'b':null}", "{'b':1}")]
    [InlineData("{'patternProperties':{'^x':{'type':'integer'},'y$':{'minimum':3}}}", "{'xy':3}|{'x':1}|{'y':4}|{'z':'a'}", "{'xy':2}|{'x':'a'}|{'ay':1}|{'xy':'a'}")]
    [InlineData("{'properties':{'xa':{'maximum':5}},'patternProperties':{'^x':{'minimum':3}},'additionalProperties':false}", "{'xa':4}|{'xb':9}", "{'xa':6}|{'xa':2}|{'b':1}")]
    [InlineData("{'propertyNames':{'pattern':'^[a-z]+$','maxLength':3}}", "{}|{'ab':1}", "{'A':1}|{'abcd':1}|{'a':1,'':2}")]
    [InlineData("{'propertyNames':{'maxLength':2147483647}}", "{}|{'ab':1}", "")]
    [InlineData("{'propertyNames':{'enum':['a','b']},'minProperties':2}", "{'a':1,'b':2}|[]", "{'a':1}|{'a':1,'c':2}|{'a':1,'a':2}")]
    [InlineData("{'type':'object','minProperties':1}", "{'a':1}", "{}")]
    [InlineData("{'type':'object','maxProperties':1}", "{}|{'a':1}", "{'a':1,'b':2}")]
    [InlineData("{'type':'object','maxProperties':0}", "{}", "{'a':1}")]
    [InlineData("{'type':'object','minProperties':2,'properties':{'a':{},'b':{},'c':{}},'additionalProperties':false}", "{'a':1,'c':1}|{'a':1,'b':1,'c':1}", "{}|{'b':1}")]
    [InlineData("{'type':'object','dependentRequired':{'a':['b']}}", "{}|{'b':1}|{'a':1,'b':2}|{'b':1,'a':2}", "{'a':1}")]
    [InlineData("{'type':'object','dependencies':{'a':['b'],'c':{'properties':{'d':{'type':'null'}}}}}", "{'a':1,'b':2}|{'c':1}|{'c':1,'d':null}|{'d':1}", "{'a':1}|{'c':1,'d':1}")]
    [InlineData("{'type':'object','dependentSchemas':{'a':{'maxProperties':1}}}", "{'a':1}|{'b':1,'c':2}", "{'a':1,'b':2}")]
    [InlineData("{'type':'object','not':{'required':['a']}}", "{}|{'b':1}", "{'a':1}|{'b':1,'a':1}")]
    [InlineData("{'type':'object','not':{'properties':{'a':{'type':'string'}}}}", "{'a':1}|{'b':1,'a':null}", "{}|{'a':'x'}|{'b':1}")]
    [InlineData("{'type':'object','not':{'additionalProperties':false,'properties':{'a':{}}}}", "{'b':1}|{'a':1,'b':1}", "{}|{'a':1}")]
    [InlineData("{'type':'object','not':{'patternProperties':{'^x':{'type':'string'}}}}", "{'xa':1}|{'xa':'s','xb':2}", "{}|{'xa':'s'}|{'b':1}")]
    [InlineData("{'type':'object','not':{'propertyNames':{'maxLength':2}},'maxProperties':2}", "{'abc':1}|{'a':1,'abc':1}", "{}|{'ab':1}|{'a':1,'b':2}")]
    [InlineData("{'type':'object','not':{'anyOf':[{'required':['a','c']},{'const':{}}]}}", "{'a':1}|{'c':1}|{'b':1}|{'a':1,'b':1}", "{}|{'a':1,'c':1}")]
    [InlineData("{'type':'object','not':{'required':['a','c']},'allOf':[{'not':{'additionalProperties':{'type':'string'}}}]}", "{'a':1}|{'c':1}|{'b':1,'c':'x'}", "{}|{'a':'x'}|{'b':'x'}|{'a':1,'c':1}")]
    public void Objects(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'allOf':[{'type':'integer'},{'minimum':3},{'maximum':5}]}", "3|5", "2|6|3.5")]
    [InlineData("{'anyOf':[{'type':'integer'},{'minLength':2}]}", "1|'ab'|null", "'a'")]
    [InlineData("{'oneOf':[{'multipleOf':3},{'multipleOf':5}],'type':'integer'}", "3|5|9|10", "15|1|0")]
    [InlineData("{'oneOf':[{'required':['a']},{'required':['b']}],'type':'object'}", "{'a':1}|{'b':1}|{'a':1,'c':1}", "{}|{'a':1,'b':1}")]
    [InlineData("{'oneOf':[{'type':'object','properties':{'k':{'const':'a'},'x':{'type':'integer'}},'required':['k']},{'type':'object','properties':{'k':{'const':'b'},'x':{'type':'string'}},'required':['k']}]}", "{'k':'a','x':1}|{'k':'b','x':'s'}|{'x':1,'k':'a'}", "{'k':'a','x':'s'}|{'k':'c'}|{}")]
    [InlineData("{'oneOf':[{'type':'object','properties':{'a':{'type':'integer'}}},{'type':'object','properties':{'b':{'type':'integer'}}}]}", "{'a':1,'b':'x'}|{'a':'x','b':1}|{'b':'x'}", "{}|{'a':1}|{'a':'x','b':'x'}|{'a':1,'b':1}")]
    [InlineData("{'oneOf':[{'items':{'type':'string'}},{'maxItems':1}],'type':'array'}", "['a','b']|[1]", "[]|['a']|[1,2]")]
    [InlineData("{'if':{'properties':{'k':{'const':1}},'required':['k']},'then':{'required':['a']},'else':{'required':['b']},'type':'object'}", "{'k':1,'a':0}|{'k':2,'b':0}|{'b':1}", "{'k':1}|{'k':1,'b':0}|{}|{'a':1}")]
    [InlineData("{'if':{'maximum':5},'then':{'multipleOf':2},'type':'integer'}", "4|7|8", "3|5")]
    [InlineData("{'not':{'anyOf':[{'type':'string'},{'type':'array'}]}}", "1|null|{}", "'a'|[]")]
    [InlineData("{'not':{'not':{'type':'string'}}}", "'a'", "1")]
    [InlineData("{'not':{}}", "", "1|{}")]
    public void Applicators(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'$ref':'#/$defs/a','$defs':{'a':{'type':'integer'}}}", "1", "'a'")]
    [InlineData("{'$ref':'#/$defs/a','maximum':3,'$defs':{'a':{'type':'integer'}}}", "3", "4|'a'")]
    [InlineData("{'$schema':'http://json-schema.org/draft-07/schema#','properties':{'x':{'$ref':'#/definitions/a','maximum':3}},'definitions':{'a':{'type':'integer'}}}", "{'x':4}", "{'x':'a'}")]
    [InlineData("{'$ref':'#/$defs/a~1b~0c%25','$defs':{'a/b~c%':{'type':'null'}}}", "null", "1")]
    [InlineData("{'$id':'http://example.com/root.json','$ref':'item.json#x','$defs':{'i':{'$id':'item.json','$defs':{'y':{'$anchor':'x','type':'null'}}}}}", "null", "1")]
    [InlineData("{'$schema':'http://json-schema.org/draft-07/schema#','$id':'http://example.com/a.json','$ref':'#/definitions/x','definitions':{'x':{'anyOf':[{'$ref':'a.json#/definitions/y'},{'$ref':'http://example.com/a.json#/definitions/z'}]},'y':{'type':'null'},'z':{'const':1}}}", "null|1", "2")]
    [InlineData("{'type':'object','properties':{'next':{'$ref':'#'}},'additionalProperties':false}", "{}|{'next':{'next':{}}}", "{'next':1}|{'next':{'a':1}}")]
    [InlineData("{'$ref':'#/$defs/list','$defs':{'list':{'anyOf':[{'type':'null'},{'type':'array','prefixItems':[{'type':'integer'},{'$ref':'#/$defs/list'}],'minItems':2,'items':false}]}}}", "null|[1,null]|[1,[2,null]]", "[1]|[1,2]")]
    [InlineData("{'properties':{'$ref':{'type':'string'}}}", "{'$ref':'a'}", "{'$ref':1}")]
    [InlineData("{'id':'http://example.com/a','properties':{'x':{'$ref':'#/definitions/y'}},'definitions':{'y':{'type':'null'}}}", "{'x':null}", "{'x':1}")]
    public void References(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Theory]
    [InlineData("{'properties':{'a':{}},'unevaluatedProperties':false}", "{}|{'a':1}|1", "{'b':1}|{'a':1,'b':1}")]
    [InlineData("{'allOf':[{'properties':{'a':{}}},{'patternProperties':{'^x':{}}}],'unevaluatedProperties':{'type':'null'}}", "{'a':1,'xy':2}|{'b':null}", "{'b':1}")]
    [InlineData("{'anyOf':[{'properties':{'a':{'const':1}},'required':['a']},{'properties':{'b':{'const':2}},'required':['b']}],'unevaluatedProperties':false}", "{'a':1}|{'b':2}|{'a':1,'b':2}", "{}|{'a':1,'b':3}|{'a':1,'c':1}")]
    [InlineData("{'if':{'properties':{'a':{'const':1}},'required':['a']},'then':{'properties':{'b':{}}},'else':{'properties':{'c':{}}},'unevaluatedProperties':false}", "{}|{'a':1,'b':1}|{'c':1}", "{'a':1,'c':1}|{'b':1}|{'a':2}")]
    [InlineData("{'allOf':[{'additionalProperties':{'type':'integer'}}],'unevaluatedProperties':false}", "{'a':1}", "{'a':'x'}")]
    [InlineData("{'$ref':'#/$defs/base','properties':{'b':{}},'unevaluatedProperties':false,'$defs':{'base':{'properties':{'a':{}}}}}", "{'a':1,'b':2}", "{'c':1}")]
    [InlineData("{'prefixItems':[{}],'unevaluatedItems':false}", "[]|[1]|{}", "[1,2]")]
    [InlineData("{'anyOf':[{'prefixItems':[{'const':1}]},{'prefixItems':[{},{'const':2}],'minItems':2}],'unevaluatedItems':false}", "[1]|[5,2]|[]|[1,2]", "[1,3]|[5]|[5,2,1]")]
    [InlineData("{'contains':{'type':'string'},'unevaluatedItems':{'type':'integer'}}", "['a']|[1,'a']", "[1]|['a',null]")]
    [InlineData("{'type':'string','properties':[],'prefixItems':{},'unevaluatedProperties':false,'unevaluatedItems':false}", "'a'", "1|{}|[]")]
    [InlineData("{'enum':[],'dependentSchemas':[],'unevaluatedProperties':false}", "", "'a'|{}")]
    [InlineData("{'type':'object','anyOf':[{'type':'string','patternProperties':5},{'properties':{'a':{}}}],'unevaluatedProperties':false}", "{}|{'a':1}", "'a'|{'b':1}")]
    public void UnevaluatedParts(string schema, string accepted, string refused) => Judge(schema, accepted, refused);

    [Fact]
    public void WhiteSpaceMayStandBetweenAllPartsWhereItIsAllowed()
    {
        Grammar grammar = SchemaRun.Compile("{'properties':{'a':{'type':'array'}}}", JsonSchemaGrammarOptions.Reading);
        Assert.True(grammar.Accepts(" \r\n{ 'a' :\t[ 1 , 2 ] , 'b' : { } } \n"));
        Assert.True(grammar.Accepts($"{{{new string(' ', 5_000)}}}"));
    }

    [Fact]
    public void SpellingsAreAllTakenWhereThatIsAskedFor()
    {
        Grammar grammar = SchemaRun.Compile("{'properties':{'a':{'const':'x/'}},'additionalProperties':false}", JsonSchemaGrammarOptions.Reading);
        Assert.True(grammar.Accepts(@"{'\u0061':'x\/'}"));
        Assert.True(grammar.Accepts(@"{'a':'\u0078/'}"));
    }

    private static void Judge(string schema, string accepted, string refused)
    {
        Grammar grammar = SchemaRun.Compile(schema, JsonSchemaGrammarOptions.Reading);
        foreach (string text in accepted.Split('|', StringSplitOptions.RemoveEmptyEntries))
            Assert.True(grammar.Accepts(text), $"{text} is refused");
        foreach (string text in refused.Split('|', StringSplitOptions.RemoveEmptyEntries))
            Assert.False(grammar.Accepts(text), $"{text} is accepted");
    }
}
