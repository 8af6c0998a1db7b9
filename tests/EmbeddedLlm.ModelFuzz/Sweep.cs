using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>One damaged model of a sweep.</summary>
/// <param name="What">What was done to the healthy one.</param>
/// <param name="Create">Makes it.</param>
internal sealed record SweepStep(string What, Func<RawModel> Create);

/// <summary>
/// All damages of one place that there are to a model: each metadata key gets the boundary values of its type, wrong types and wrong lengths, is missing and is there twice; each hyperparameter
/// that the model does not have gets boundary values too; each tensor gets other types, shapes, places and weights, is missing and is there twice.
/// </summary>
internal static partial class Sweep
{
    /// <summary>Damages to the keys whose names begin in one way.</summary>
    public static IEnumerable<SweepStep> Keys(RawModel model, string prefix)
    {
        int layers = LayersOf(model);
        for (int i = 0; i < model.Keys.Count; i++)
        {
            RawKey key = model.Keys[i];
            if (!key.NameText.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            int index = i;
            foreach ((string what, RawKey next) in OthersFor(key, layers))
                yield return Step($"'{key.NameText}' {what}", copy => copy.Keys[index] = next);
            yield return Step($"'{key.NameText}' is missing", copy => copy.Keys.RemoveAt(index));
            yield return Step($"'{key.NameText}' is there twice", copy => copy.Keys.Add(key.Clone()));
        }

        SweepStep Step(string what, Action<RawModel> damage) => Damage(model, what, damage);
    }

    /// <summary>Hyperparameters that the model does not have.</summary>
    public static IEnumerable<SweepStep> AbsentKeys(RawModel model)
    {
        int layers = LayersOf(model);
        foreach (string name in Names.Hyperparameters.Select(name => $"{model.Architecture}.{name}").Where(name => model.Find(name) is null))
        {
            RawKey[] keys =
            [
                .. ((uint[])[0, 1, 2, 3, 16, int.MaxValue, uint.MaxValue]).Select(value => RawKey.Of(name, value)),
                .. ((float[])[0, -1, 1e38f, float.NaN, float.PositiveInfinity]).Select(value => RawKey.Of(name, value)),
                RawKey.Of(name, false), RawKey.Of(name, true), RawKey.Of(name, ""), RawKey.Of(name, "yarn"),
                .. PerLayer(name, 2, layers).Select(pair => pair.Key),
            ];
            foreach (RawKey key in keys)
                yield return Damage(model, $"'{name}', which was not there, {Describe(key)}", copy => copy.Keys.Add(key));
        }
    }

    /// <summary>Keys of the tokenizer that the model does not have: numbers of tokens that there are and that there are not, switches, and tables that belong to other tokenizers.</summary>
    public static IEnumerable<SweepStep> AbsentTokenizerKeys(RawModel model)
    {
        int count = model.Find("tokenizer.ggml.tokens")?.Strings?.Count ?? 0;
        uint[] numbers = [0, 1, (uint)count - 1, (uint)count, int.MaxValue, uint.MaxValue - 1, uint.MaxValue];
        IEnumerable<RawKey> keys =
        [
            .. Names.TokenNumbers.SelectMany(name => numbers.Select(number => RawKey.Of(name, number))),
            .. Names.TokenNumbers.Select(name => RawKey.Of(name, -1f)),
            .. Names.Switches.SelectMany(name => (RawKey[])[RawKey.Of(name, false), RawKey.Of(name, true), RawKey.Of(name, 1u)]),
            .. numbers.Select(number => RawKey.Of("tokenizer.ggml.token_type_count", number)),
            .. numbers.Select(number => RawKey.Of("tokenizer.ggml.suppress_tokens", (int[])[(int)number])),
            .. numbers.Select(number => RawKey.Of("tokenizer.ggml.suppress_tokens", (uint[])[number])),
            RawKey.Of("tokenizer.ggml.suppress_tokens", Enumerable.Range(-1, count + 2)), RawKey.Of("tokenizer.ggml.suppress_tokens", 1u), RawKey.Of("tokenizer.ggml.suppress_tokens", (string[])["a"]),
            .. Enumerable.Range(0, 9).Append(1 << 16).Select(length => RawKey.OfArray("tokenizer.ggml.precompiled_charsmap", GgufValueType.UInt8, new byte[length])),
            .. ((int[])[0, 1, count - 1, count, count + 1]).SelectMany(length => (RawKey[])
            [
                RawKey.Of("tokenizer.ggml.token_type", Enumerable.Repeat(1, length)), RawKey.Of("tokenizer.ggml.token_type", Enumerable.Repeat(6, length)),
                RawKey.OfArray("tokenizer.ggml.scores", GgufValueType.Float32, new byte[length * sizeof(float)]), RawKey.Of("tokenizer.ggml.merges", Enumerable.Repeat("a b", length)),
            ]),
            .. Names.PreTokenizers.Select(name => RawKey.Of("tokenizer.ggml.pre", name)),
            RawKey.Of("tokenizer.huggingface.json", "{"), RawKey.Of("tokenizer.rwkv.world", "{"), RawKey.Of("tokenizer.chat_template.rerank", "{{"),
        ];
        foreach (RawKey key in keys.Where(key => model.Find(key.NameText) is null))
            yield return Damage(model, $"'{key.NameText}', which was not there, {Describe(key)}", copy => copy.Keys.Add(key));
    }

    private static SweepStep Damage(RawModel model, string what, Action<RawModel> damage) => new(what, () =>
    {
        RawModel copy = model.Clone();
        damage(copy);
        return copy;
    });

    private static IEnumerable<(string What, RawKey Key)> OthersFor(RawKey key, int layers)
    {
        IEnumerable<RawKey> others = (key.IsArray, key.Type) switch
        {
            (true, _) => Arrays(key),
            (_, (uint)GgufValueType.String) => TextsFor(key).Select(text => With(key, text)),
            _ => NumbersFor(key.Type, key.Data).Select(number => With(key, number)),
        };
        foreach (RawKey other in others.Concat(WrongTypes(key)))
            yield return (Describe(other), other);
        if (key.Type == (uint)GgufValueType.UInt32)
        {
            foreach ((string what, RawKey other) in PerLayer(key.NameText, BitConverter.ToUInt32(key.Data), layers))
                yield return (what, other);
        }
    }

    // The number for each layer where there was one for all, and lists in which a layer differs.
    private static IEnumerable<(string What, RawKey Key)> PerLayer(string name, uint value, int layers)
    {
        uint[] same = [.. Enumerable.Repeat(value, Math.Max(1, layers))];
        yield return ("is given for each layer", RawKey.Of(name, same));
        yield return ("is given for each layer, as signed numbers", RawKey.Of(name, same.Select(element => (int)element)));
        yield return ("is 0 for each layer", RawKey.Of(name, same.Select(_ => 0u)));
        foreach (uint other in (uint[])[0, 1, value + 1, value * 2, int.MaxValue, uint.MaxValue])
        {
            yield return ($"is {other} for the first layer", RawKey.Of(name, (uint[])[other, .. same[1..]]));
            yield return ($"is {other} for the last layer", RawKey.Of(name, (uint[])[.. same[1..], other]));
        }

        yield return ("is given for a layer more than there are", RawKey.Of(name, (uint[])[.. same, value]));
        yield return ("is given for a layer fewer than there are", RawKey.Of(name, same[1..]));
        yield return ("is given for 600 layers", RawKey.Of(name, Enumerable.Repeat(value, 600)));
    }

    private static IEnumerable<byte[]> NumbersFor(uint type, byte[] old)
    {
        switch ((GgufValueType)type)
        {
            case GgufValueType.Boolean:
                return [[0], [1], [2], [255]];
            case GgufValueType.Float32:
                float single = BitConverter.ToSingle(old);
                return ((float[])[0, -0f, 1, -1, -single, single * 2, 0.5f, float.Epsilon, 1e6f, float.MaxValue, float.MinValue, float.NaN, float.PositiveInfinity, float.NegativeInfinity])
                    .Select(BitConverter.GetBytes);
            case GgufValueType.Float64:
                return ((double[])[0, 1, -1, double.MaxValue, double.NaN, double.PositiveInfinity]).Select(BitConverter.GetBytes);
            default:
                int size = RawKey.SizeOf(type);
                long value = size switch { 8 => BitConverter.ToInt64(old), 4 => BitConverter.ToInt32(old), 2 => BitConverter.ToInt16(old), _ => old[0] };
                long[] values = [0, 1, 2, 3, 5, 7, value - 1, value + 1, value / 2, value * 2, value * 3, 255, 256, 4097, 1 << 20, int.MaxValue, int.MinValue, -1, -2, long.MaxValue];
                return values.Distinct().Select(number => BitConverter.GetBytes(number)[..size]).Where(bytes => !bytes.AsSpan().SequenceEqual(old));
        }
    }

    private static IEnumerable<byte[]> TextsFor(RawKey key)
    {
        string[] known = key.NameText switch
        {
            "tokenizer.ggml.model" => Names.Tokenizers,
            "tokenizer.ggml.pre" => Names.PreTokenizers,
            "tokenizer.chat_template" => Templates,
            _ => ["none", "linear", "yarn", "longrope", "%s%n"],
        };
        return [.. known.Select(Encoding.UTF8.GetBytes), [], [0], [.. key.Data, 0], [0xFF, 0xC0, 0x80], Encoding.UTF8.GetBytes(new string('a', 70_000)), new byte[3 << 20]];
    }

    // Templates that ask for more than there is: depth, length, or time.
    private static string[] Templates =>
    [
        "{%", "{{ messages[0]['content'] }}", new string('{', 3 << 20), "{{ " + new string('(', 1 << 20) + "1", "{{ " + new string('[', 1 << 20), "{{ " + new string('-', 1 << 20) + "1 }}",
        "{{ not " + string.Concat(Enumerable.Repeat("not ", 1 << 18)) + "1 }}", "{{ a" + string.Concat(Enumerable.Repeat(".a", 1 << 19)) + " }}", "{{ a" + string.Concat(Enumerable.Repeat("|trim", 1 << 18)) + " }}",
        "{{ 1" + string.Concat(Enumerable.Repeat(" if 1 else 1", 1 << 17)) + " }}", "{{ 1" + string.Concat(Enumerable.Repeat("~1", 1 << 19)) + " }}", "{{ 2" + string.Concat(Enumerable.Repeat("**2", 1 << 18)) + " }}",
        string.Concat(Enumerable.Repeat("{% if 1 %}", 1 << 17)), string.Concat(Enumerable.Repeat("{% for a in b %}", 1 << 16)), "{% if 0 %}" + string.Concat(Enumerable.Repeat("{% elif 0 %}", 1 << 17)) + "{% endif %}",
        "{% for a in range(1000000000) %}{% endfor %}", "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "{{ 'a' * 2000000000 }}", "{{ range(2000000000) | list }}",
        "{% set ns = namespace(a='a') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a }}", "{% set ns = namespace(a=[]) %}{% set ns.a = [ns.a, ns] %}{{ ns.a }}{{ ns.a | tojson }}",
        "{% set ns = namespace(a=[]) %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a }}", "{% set ns = namespace(a=[]) %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson }}",
        "{% set ns = namespace(a=[]) %}{% for i in range(100000) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a == ns.a }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro a(n) %}{{ a(n + 1) ~ a(n + 1) }}{% endmacro %}{{ a(0) }}", "{{ '%1000000000d' | format(1) }}", "{{ 9223372036854775807 + 1 }}{{ 9223372036854775807 * 9223372036854775807 }}", "{{ -9223372036854775807 // 0 }}",
        "{{ (-9223372036854775807 - 1) // -1 }}{{ (-9223372036854775807 - 1) % -1 }}", "{{ 2 ** 100000000 }}", "{{ 'a'.center(2000000000) }}", "{{ 'ab' | indent(2000000000) }}", "{{ ('a' * 100000) | replace('a', 'a' * 100000) }}",
        "{{ ('a,' * 10000000).split(',') | length }}", "{{ messages | map('string') | list }}", "{{ [[[[[1] * 100] * 100] * 100] * 100] * 100 }}", "{{ [1][99999999999999999999] }}", "{{ 'abc'[::0] }}", "{{ 'abc'[::-9223372036854775808] }}",
    ];

    private static IEnumerable<RawKey> Arrays(RawKey key)
    {
        if (key.Strings is { } strings)
        {
            foreach (RawKey other in StringArrays(key, strings))
                yield return other;
        }
        else
        {
            foreach (RawKey other in NumberArrays(key))
                yield return other;
        }

        foreach (long error in (long[])[-1, 1, long.MaxValue / 2, int.MaxValue, -key.Data.Length - 1])
        {
            RawKey other = key.Clone();
            other.CountError = error;
            yield return other;
        }

        foreach (uint type in Enumerable.Range(0, 15).Select(value => (uint)value).Where(type => type != key.ElementType))
        {
            RawKey other = key.Clone();
            other.ElementType = type;
            if (other.Strings is not null)
                (other.Strings, other.Data) = (null, new byte[key.Strings!.Count * 8]);
            yield return other;
        }
    }

    private static IEnumerable<RawKey> StringArrays(RawKey key, List<byte[]> strings)
    {
        yield return WithStrings([]);
        if (strings.Count == 0)
            yield break;
        yield return WithStrings(strings[..^1]);
        yield return WithStrings([.. strings, "more"u8.ToArray()]);
        yield return WithStrings([.. strings, .. strings]);
        yield return WithStrings([.. Enumerable.Range(0, strings.Count).Select(index => strings[strings.Count - 1 - index])]);
        yield return WithStrings([.. strings.Select(_ => Array.Empty<byte>())]);
        byte[][] others =
        [
            [], [0], " "u8.ToArray(), "a "u8.ToArray(), " a"u8.ToArray(), "ab"u8.ToArray(), "a b c"u8.ToArray(), [0xFF, 0xC0, 0x80], [0xF0, 0x9F], strings[0], [.. strings[0], 0, .. strings[^1]],
            Encoding.UTF8.GetBytes(new string('a', 60_000)), Encoding.UTF8.GetBytes(new string('a', 500_000) + " " + new string('a', 500_000)), "<0xZZ>"u8.ToArray(), "<0x00>"u8.ToArray(), "\\x"u8.ToArray(), "\\"u8.ToArray(),
        ];
        foreach (int index in (int[])[0, strings.Count / 2, strings.Count - 1])
        {
            foreach (byte[] other in others)
                yield return WithStrings([.. strings[..index], other, .. strings[(index + 1)..]]);
        }

        RawKey WithStrings(List<byte[]> values)
        {
            RawKey other = key.Clone();
            other.Strings = values;
            return other;
        }
    }

    private static IEnumerable<RawKey> NumberArrays(RawKey key)
    {
        int size = RawKey.SizeOf(key.ElementType);
        byte[] data = key.Data;
        yield return With(key, []);
        if (data.Length < size)
            yield break;
        yield return With(key, data[..^size]);
        yield return With(key, [.. data, .. data[^size..]]);
        yield return With(key, [.. data, .. data]);
        yield return With(key, data[..(data.Length / size / 2 * size)]);
        yield return With(key, [.. Enumerable.Range(0, data.Length / size).SelectMany(index => data[(data.Length - ((index + 1) * size))..(data.Length - (index * size))])]);
        foreach (byte[] number in NumbersFor(key.ElementType, data[..size]))
        {
            yield return With(key, [.. Enumerable.Repeat(number, data.Length / size).SelectMany(bytes => bytes)]);
            foreach (int index in ((int[])[0, data.Length / size / 2, (data.Length / size) - 1]).Distinct())
                yield return With(key, [.. data[..(index * size)], .. number, .. data[((index + 1) * size)..]]);
        }
    }

    private static IEnumerable<RawKey> WrongTypes(RawKey key)
    {
        byte[] eight = [.. key.Data.Take(8), .. new byte[Math.Max(0, 8 - key.Data.Length)]];
        for (uint type = 0; type < 15; type++)
        {
            if (type == key.Type)
                continue;
            RawKey other = new() { Name = key.Name, Type = type };
            if (type == (uint)GgufValueType.String)
                other.Data = "1"u8.ToArray();
            else if (type != (uint)GgufValueType.Array)
                other.Data = eight[..RawKey.SizeOf(type)];
            else
                (other.ElementType, other.Data) = (key.Type, key.Type == (uint)GgufValueType.String ? new byte[8] : [.. key.Data]);
            yield return other;
        }

        yield return RawKey.Of(key.NameText, (string[])["a", "b"]);
    }

    private static RawKey With(RawKey key, byte[] data)
    {
        RawKey other = key.Clone();
        other.Data = data;
        return other;
    }

    private static string Describe(RawKey key)
    {
        string type = ((GgufValueType)key.Type).ToString();
        string data = Convert.ToHexString(key.Data.AsSpan(0, Math.Min(key.Data.Length, 24)));
        if (!key.IsArray)
            return $"is {type} 0x{data}{(key.Data.Length > 24 ? $"… of {key.Data.Length} bytes" : "")}";
        string error = key.CountError == 0 ? "" : $" with {key.CountError:+0;-0} said";
        return key.Strings is { } strings ? $"is {strings.Count} strings{error} (hash {HashOf(strings):X8})" : $"is {key.Data.Length} bytes of {(GgufValueType)key.ElementType}{error}: 0x{data}…";
    }

    // Tells lists of strings from one another.
    private static uint HashOf(List<byte[]> strings)
    {
        uint hash = 2_166_136_261;
        foreach (byte[] text in strings)
        {
            foreach (byte value in text)
                hash = (hash ^ value) * 16_777_619;
            hash = (hash ^ 256) * 16_777_619;
        }

        return hash;
    }

    private static int LayersOf(RawModel model) => model.Find(model.Architecture + ".block_count") is { Data.Length: 4 } count ? (int)Math.Min(BitConverter.ToUInt32(count.Data), 600) : 2;
}
