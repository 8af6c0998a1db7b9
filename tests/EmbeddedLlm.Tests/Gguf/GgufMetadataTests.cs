using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufMetadataTests
{
    private readonly GgufMetadata _metadata = ReadAllTypes();

    [Fact]
    public void EveryValueTypeIsReadAsItWasWritten()
    {
        Assert.Equal((byte)250, Value("u8").GetByte());
        Assert.Equal((sbyte)-5, Value("i8").GetSByte());
        Assert.Equal((ushort)65_000, Value("u16").GetUInt16());
        Assert.Equal((short)-1_234, Value("i16").GetInt16());
        Assert.Equal(4_000_000_000u, Value("u32").GetUInt32());
        Assert.Equal(-2_000_000_000, Value("i32").GetInt32());
        Assert.Equal(ulong.MaxValue, Value("u64").GetUInt64());
        Assert.Equal(long.MinValue, Value("i64").GetInt64());
        Assert.Equal(1.25f, Value("f32").GetSingle());
        Assert.Equal(-0.1, Value("f64").GetDouble());
        Assert.True(Value("bool").GetBoolean());
        Assert.Equal("grüße", Value("string").GetString());
        Assert.Equal("grüße"u8.ToArray(), Value("string").GetUtf8().ToArray());
        Assert.Equal(["a", "", "ж"], Value("strings").GetArray().ToStrings());
        Assert.Equal([1L, -2L], Integers(Value("ints").GetArray()));
        Assert.True(Value("bools").GetArray().GetBoolean(1));
    }

    [Fact]
    public void NestedArraysAreReadToTheirDepth()
    {
        GgufArray outer = Value("nested").GetArray();

        Assert.Equal(3, outer.Count);
        Assert.Equal([1L, 2L], Integers(outer.GetArray(0)));
        Assert.Equal(["x", "yz"], outer.GetArray(1).ToStrings());
        Assert.Equal(0, outer.GetArray(2).GetArray(0).Count);
        Assert.Equal([9L], Integers(outer.GetArray(2).GetArray(1)));
    }

    [Fact]
    public void KeysKeepTheOrderOfTheFile() => Assert.Equal("u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 bool string strings ints bools nested", string.Join(' ', _metadata.Select(pair => pair.Key)));

    [Theory]
    [InlineData(-1)]
    [InlineData(16)]
    public void PositionThatIsNotThereIsRefused(int index) => Assert.Throws<ArgumentOutOfRangeException>(() => _metadata[index]);

    [Theory]
    [InlineData("u8", 250)]
    [InlineData("i8", -5)]
    [InlineData("u16", 65_000)]
    [InlineData("u32", 4_000_000_000)]
    [InlineData("i64", long.MinValue)]
    public void IntegerOfAnyWidthIsFound(string key, long expected)
    {
        Assert.True(_metadata.TryGetInteger(key, out long value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("u64")]
    [InlineData("f32")]
    [InlineData("bool")]
    [InlineData("strings")]
    [InlineData("missing")]
    public void WhatIsNoIntegerOf64BitsIsNotFoundAsOne(string key) => Assert.False(_metadata.TryGetInteger(key, out _));

    [Fact]
    public void TypedLookupFailsForAnotherType()
    {
        Assert.False(_metadata.TryGetUInt32("i32", out _));
        Assert.False(_metadata.TryGetInt32("u32", out _));
        Assert.False(_metadata.TryGetString("u32", out _));
        Assert.False(_metadata.TryGetSingle("f64", out _));
        Assert.False(_metadata.TryGetBoolean("u8", out _));
        Assert.False(_metadata.TryGetStrings("ints", out _));
        Assert.False(_metadata.TryGetArray("string", out _));
        Assert.False(_metadata.TryGetValue("missing", out _));
    }

    [Fact]
    public void ReadingAValueAsAnotherTypeIsMisuse()
    {
        Assert.Throws<InvalidOperationException>(() => Value("u8").GetUInt32());
        Assert.Throws<InvalidOperationException>(() => Value("string").GetArray());
        Assert.Throws<InvalidOperationException>(() => Value("ints").GetArray().GetString(0));
        Assert.Throws<InvalidOperationException>(() => Value("strings").GetArray().GetInteger(0));
        Assert.Throws<InvalidOperationException>(() => Value("ints").GetArray().GetBoolean(0));
        Assert.Throws<InvalidOperationException>(() => default(GgufValue).Type);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    public void IndexOutsideAnArrayIsMisuse(int index) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Value("strings").GetArray().GetString(index));

    [Fact]
    public void BytesThatAreNotUtf8AreReplacedInTextAndKeptInBytes()
    {
        GgufMetadata metadata = GgufBytes.Header(keys: 1).Key("k", GgufValueType.String).UInt64(2).Raw([0x41, 0xFF]).Read().Metadata;

        Assert.True(metadata.TryGetString("k", out string? text));
        Assert.Equal("A\uFFFD", text);
        Assert.True(metadata.TryGetValue("k", out GgufValue value));
        Assert.Equal([0x41, 0xFF], value.GetUtf8().ToArray());
    }

    private static IEnumerable<long> Integers(GgufArray array) => Enumerable.Range(0, array.Count).Select(array.GetInteger);

    private GgufValue Value(string key) => _metadata.TryGetValue(key, out GgufValue value) ? value : throw new KeyNotFoundException(key);

    private static GgufMetadata ReadAllTypes()
    {
        GgufWriter writer = new();
        writer.Add("u8", (byte)250);
        writer.Add("i8", (sbyte)-5);
        writer.Add("u16", (ushort)65_000);
        writer.Add("i16", (short)-1_234);
        writer.Add("u32", 4_000_000_000u);
        writer.Add("i32", -2_000_000_000);
        writer.Add("u64", ulong.MaxValue);
        writer.Add("i64", long.MinValue);
        writer.Add("f32", 1.25f);
        writer.Add("f64", -0.1);
        writer.Add("bool", true);
        writer.Add("string", "grüße");
        writer.AddStrings("strings", ["a", "", "ж"]);
        writer.AddArray<short>("ints", [1, -2]);
        writer.AddArray<bool>("bools", [false, true]);
        writer.Add("nested", Nested());
        MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream).Metadata;
    }

    private static GgufValue Nested()
    {
        GgufMetadata metadata = GgufBytes.Header(keys: 1).Key("n", GgufValueType.Array).Array(GgufValueType.Array, 3)
            .Array(GgufValueType.UInt8, 2).Raw([1, 2])
            .Array(GgufValueType.String, 2).String("x").String("yz")
            .Array(GgufValueType.Array, 2).Array(GgufValueType.String, 0).Array(GgufValueType.UInt32, 1).UInt32(9)
            .Read().Metadata;
        return metadata[0].Value;
    }
}
