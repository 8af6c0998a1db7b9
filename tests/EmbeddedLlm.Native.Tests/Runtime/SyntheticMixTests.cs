using System.Runtime.InteropServices;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Runtime;

/// <summary>Models written quantised, beside what llama.cpp's quantiser makes of the same shape.</summary>
public sealed class SyntheticMixTests
{
    private static readonly SyntheticVocabulary Vocabulary = SyntheticVocabulary.ByteLevel(512, "<unk>", "<s>", "</s>");

    // Eleven layers: the first and the last eighth, and thirds between them.
    private static readonly SyntheticShape Dense = SyntheticShape.Small with { Layers = 11, FeedForward = 256 };

    private static readonly SyntheticShape Experts = Dense with { Experts = 4, ExpertsUsed = 2 };

    private static readonly SyntheticShape EightExperts = Dense with { Experts = 8, ExpertsUsed = 2 };

    /// <summary>Every architecture that is written here, and what llama.cpp treats apart.</summary>
    private static readonly Dictionary<string, SyntheticShape> Shapes = new(StringComparer.Ordinal)
    {
        ["llama"] = Dense,
        ["llama, tied"] = Dense with { TiedEmbeddings = true },
        ["llama, 8 heads a value"] = Dense with { Heads = 8, KvHeads = 1 },
        ["llama, 80 layers"] = Dense with { Layers = 80 },
        ["llama, 80 layers, heads not shared"] = Dense with { Layers = 80, KvHeads = 4 },
        ["llama, 64 wide"] = Dense with { Width = 64, FeedForward = 128, HeadSize = 16 },
        ["llama, 96 and 80 wide"] = Dense with { Width = 96, FeedForward = 80, HeadSize = 32 },
        ["llama, 64 wide, tied"] = Dense with { Width = 64, HeadSize = 16, TiedEmbeddings = true },
        ["mixtral"] = EightExperts,
        ["mixtral, 64 wide"] = EightExperts with { Width = 64, FeedForward = 128, HeadSize = 16 },
        ["mixtral of 4"] = Experts,
        ["qwen2"] = Dense with { Architecture = "qwen2" },
        ["qwen2, 80 layers"] = Dense with { Architecture = "qwen2", Layers = 80 },
        ["qwen3"] = Dense with { Architecture = "qwen3", TiedEmbeddings = true },
        ["gemma2"] = Dense with { Architecture = "gemma2", Window = 64, TiedEmbeddings = true },
        ["gemma3"] = Dense with { Architecture = "gemma3", Window = 64, TiedEmbeddings = true },
        ["phi3"] = Dense with { Architecture = "phi3" },
        ["mamba2"] = Dense with { Architecture = "mamba2", StateSize = 64 },
        ["granitehybrid"] = Dense with { Architecture = "granitehybrid", StateSize = 64 },
        ["lfm2"] = Dense with { Architecture = "lfm2" },
        ["qwen2moe"] = Experts with { Architecture = "qwen2moe" },
        ["qwen3moe"] = Experts with { Architecture = "qwen3moe" },
        ["qwen3moe of 8"] = EightExperts with { Architecture = "qwen3moe" },
        ["olmoe"] = Experts with { Architecture = "olmoe", KvHeads = 4 },
        ["granitemoe"] = Experts with { Architecture = "granitemoe", Scales = new GraniteScales(12, 0.015625f, 0.22f, 6) },
        ["gpt-oss"] = Experts with { Architecture = "gpt-oss", Window = 64 },
        ["deepseek2"] = Experts with { Architecture = "deepseek2", KvHeads = 1, LatentRank = 256 },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task TensorsHaveTheTypesAndSizesThatTheQuantiserGivesThem(string name)
    {
        using TemporaryFolder folder = new();
        string source = folder.PathOf("in.gguf");
        SyntheticModel.Write(source, Shapes[name] with { Mix = SyntheticMix.F32 }, Vocabulary);
        foreach (SyntheticMix mix in Enum.GetValues<SyntheticMix>().Where(mix => mix != SyntheticMix.F32))
        {
            string quantised = folder.PathOf($"{mix}.gguf");
            await ModelQuantizer.QuantizeAsync(source, quantised, (QuantizationType)SyntheticMixes.FileType(mix), cancellationToken: Cancel);
            byte[] header = SyntheticModel.Describe(Shapes[name] with { Mix = mix }, Vocabulary).LayOutHeader();
            Assert.True(GgufFile.TryReadPrefix(header, fileLength: null, out GgufFile? direct));

            string[] differences = [.. SyntheticComparison.Differences(direct, GgufFile.Open(quantised))];

            Assert.True(differences.Length == 0, $"{mix}: {string.Join("; ", differences)}");
        }
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("llama, 64 wide")]
    [InlineData("llama, 80 layers")]
    [InlineData("mixtral")]
    [InlineData("mixtral, 64 wide")]
    public async Task WeightsThatLlamaCppReadsLieAroundZeroAsFarAsTheyWereMeantTo(string name)
    {
        foreach (SyntheticMix mix in Enum.GetValues<SyntheticMix>().Where(mix => mix != SyntheticMix.F32))
        {
            using TemporaryFolder folder = new();
            (string written, string read) = (folder.PathOf("written.gguf"), folder.PathOf("read.gguf"));
            SyntheticModel.Write(written, Shapes[name] with { Mix = mix }, Vocabulary);
            await ModelQuantizer.QuantizeAsync(written, read, QuantizationType.F32, new() { AllowRequantization = true }, cancellationToken: Cancel);
            GgufFile types = GgufFile.Open(written), file = GgufFile.Open(read);
            await using FileStream stream = File.OpenRead(read);
            foreach (GgufTensorInfo tensor in file.Tensors.Where(tensor => tensor.Dimensions.Length >= 2))
            {
                byte[] bytes = new byte[tensor.ByteSize];
                stream.Position = file.DataOffset + tensor.Offset;
                await stream.ReadExactlyAsync(bytes, Cancel);
                (double mean, double deviation) = Distribution(MemoryMarshal.Cast<byte, float>(bytes));

                double meant = (tensor.Name is "token_embd.weight" or "output.weight" ? 2 : 1) / Math.Sqrt(tensor.Dimensions[0]);
                Assert.True(types.TryGetTensor(tensor.Name, out GgufTensorInfo? stored));
                // Numbers of 16 bits all have one exponent.
                double chance = 3 / Math.Sqrt(tensor.ElementCount);
                double tolerance = (stored.Type == GgmlType.F16 ? Math.Sqrt(2) : 1.02) + chance;
                string what = $"{mix}, {stored}: {mean} ± {deviation} where 0 ± {meant} was meant.";
                Assert.True(deviation < meant * tolerance && deviation > meant / tolerance, what);
                Assert.True(Math.Abs(mean) < meant * (0.01 + chance), what);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void LogitsAreFiniteAndOfSensibleSizeInEveryMix(string name)
    {
        foreach (SyntheticMix mix in Enum.GetValues<SyntheticMix>())
        {
            using TemporaryFolder folder = new();
            string path = folder.PathOf("model.gguf");
            SyntheticModel.Write(path, Shapes[name] with { Mix = mix }, Vocabulary);

            using BareModel model = new(path);
            float[] logits = model.Decode([.. Enumerable.Range(0, 64)]);

            Assert.All(logits, logit => Assert.True(float.IsFinite(logit), $"{mix}: {logit}"));
            Assert.InRange(logits.Max(MathF.Abs), 0.05f, 500);
            Assert.True(logits.Distinct().Count() > logits.Length / 2, $"{mix}: all logits are alike.");
        }
    }

    private static (double Mean, double Deviation) Distribution(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
            (sum, squares) = (sum + value, squares + ((double)value * value));
        double mean = sum / values.Length;
        return (mean, Math.Sqrt((squares / values.Length) - (mean * mean)));
    }
}
