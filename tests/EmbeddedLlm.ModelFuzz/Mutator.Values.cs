using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <content>Numbers, arrays and bytes that code tends to be wrong about.</content>
internal sealed partial class Mutator
{
    private static readonly double[] Numbers = [0, -1, 1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e-30, -1e-30, 1e38, -1e38, 0.5, 1e-5, 1e6];

    private T Pick<T>(IReadOnlyList<T> list) => list[random.Next(list.Count)];

    private byte[] Garbage(int most)
    {
        byte[] bytes = new byte[random.Next(most)];
        random.NextBytes(bytes);
        return bytes;
    }

    private long InterestingInteger(long old) => random.Next(14) switch
    {
        0 => 0,
        1 => 1,
        2 => old + 1,
        3 => old - 1,
        4 => old * 2,
        5 => old / 2,
        6 => old * 3,
        7 => random.Next(2, 9),
        8 => 1L << random.Next(63),
        9 => (1L << random.Next(1, 63)) - 1,
        10 => -1,
        11 => random.NextInt64(),
        _ => random.Next(600),
    };

    private double InterestingNumber(double old) => random.Next(3) switch
    {
        0 => old * 2,
        1 => -old,
        _ => Pick(Numbers),
    };

    // One number, or one element of an array.
    private void ChangeNumber(RawKey key)
    {
        uint type = key.IsArray ? key.ElementType : key.Type;
        int size = RawKey.SizeOf(type);
        if (key.Data.Length < size)
            return;
        int index = random.Next(key.Data.Length / size) * size;
        Span<byte> bytes = key.Data.AsSpan(index, size);
        if (type == (uint)GgufValueType.Float32)
        {
            BitConverter.TryWriteBytes(bytes, (float)InterestingNumber(BitConverter.ToSingle(bytes)));
            return;
        }

        long old = size == 4 ? BitConverter.ToInt32(bytes) : bytes[0];
        BitConverter.GetBytes(InterestingInteger(old)).AsSpan(0, size).CopyTo(bytes);
    }

    private void ChangeLength(RawKey key)
    {
        if (key.Strings is { } strings)
        {
            if (random.Next(2) == 0 && strings.Count > 0)
                strings.RemoveRange(strings.Count - 1 - random.Next(Math.Min(strings.Count, 8)), 1);
            else
                strings.Add(strings.Count > 0 && random.Next(2) == 0 ? Pick(strings) : Garbage(12));
            return;
        }

        int size = RawKey.SizeOf(key.ElementType);
        key.Data = random.Next(3) switch
        {
            0 => key.Data[..(key.Data.Length / size / 2 * size)],
            1 => [.. key.Data, .. new byte[size * random.Next(1, 4)]],
            _ => [],
        };
    }
}
