using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

/// <summary>Damaged files, always the same ones. Whatever the bytes, there is one type of exception, and no more memory than the file warrants.</summary>
public sealed class GgufFuzzTests
{
    private const int FilesPerSeed = 2_000;

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void DamagedFileGivesNoOtherException(int seed)
    {
        Random random = new(seed);
        byte[][] originals = [GgufFileTests.Sample(), Model(SyntheticShape.Tiny), Model(SyntheticShape.Tiny with { Architecture = "llama" })];
        for (int i = 0; i < FilesPerSeed; i++)
        {
            byte[] damaged = Damage(originals[i % originals.Length], random);
            try
            {
                Use(GgufFile.Read(new MemoryStream(damaged)));
            }
            catch (GgufFormatException e)
            {
                Assert.InRange(e.Offset, 0, damaged.Length);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void DamagedFileAllocatesNoMoreThanItsLengthWarrants(int seed)
    {
        Random random = new(seed);
        byte[] original = Model(SyntheticShape.Tiny);
        long most = 256 * 1024 + (20L * original.Length);
        for (int i = 0; i < FilesPerSeed / 4; i++)
        {
            using MemoryStream damaged = new(Damage(original, random));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                GgufFile.Read(damaged);
            }
            catch (GgufFormatException)
            {
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void RandomBytesAfterTheMagicGiveNoOtherException(int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < FilesPerSeed; i++)
        {
            byte[] bytes = new byte[random.Next(8, 400)];
            random.NextBytes(bytes);
            "GGUF\x03\0\0\0"u8.CopyTo(bytes);
            if (bytes.Length >= 24 && random.Next(4) != 0)
            {
                // Small counts, so that the random bytes are read as keys and tensors.
                bytes.AsSpan(8, 16).Clear();
                bytes[8] = (byte)random.Next(3);
                bytes[16] = (byte)random.Next(4);
            }

            try
            {
                Use(GgufFile.Read(new MemoryStream(bytes)));
            }
            catch (GgufFormatException)
            {
            }
        }
    }

    private static byte[] Damage(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        int header = Math.Min(bytes.Length, 12_000);
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            int position = random.Next(header - 8);
            switch (random.Next(5))
            {
                case 0:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[position] = (byte)random.Next(256);
                    break;
                case 2:
                    BitConverter.TryWriteBytes(bytes.AsSpan(position), random.NextInt64());
                    break;
                case 3:
                    BitConverter.TryWriteBytes(bytes.AsSpan(position), random.Next(2) == 0 ? 0L : -1L);
                    break;
                default:
                    bytes.AsSpan(position + 1, header - position - 1).CopyTo(bytes.AsSpan(position));
                    break;
            }
        }

        return random.Next(6) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static byte[] Model(SyntheticShape shape)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(shape, SyntheticVocabulary.ByteLevel(300)).Write(stream);
        return stream.ToArray();
    }

    // Everything that a header offers, so that no value is only decoded when a caller asks for it.
    private static void Use(GgufFile file)
    {
        foreach ((_, GgufValue value) in file.Metadata)
        {
            if (value.Type == GgufValueType.Array)
                Use(value.GetArray());
            else if (value.Type == GgufValueType.String)
                Assert.NotNull(value.GetString());
            else
                value.TryGetInteger(out _);
        }

        Assert.True(GgufModelInfo.From(file).KvBytesPerToken(GgmlType.F16, GgmlType.F16) >= 0);
        GgufModelValidator.Validate(file);
    }

    private static void Use(GgufArray array)
    {
        for (int i = 0; i < array.Count; i++)
        {
            switch (array.ElementType)
            {
                case GgufValueType.String:
                    Assert.NotNull(array.GetString(i));
                    break;
                case GgufValueType.Array:
                    Use(array.GetArray(i));
                    break;
                case GgufValueType.Boolean:
                    array.GetBoolean(i);
                    break;
                default:
                    array.GetNumber(i);
                    break;
            }
        }
    }
}
