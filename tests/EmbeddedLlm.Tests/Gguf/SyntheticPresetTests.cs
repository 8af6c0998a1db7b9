using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

/// <summary>The headers of models at their real size. The data would take gigabytes.</summary>
public sealed class SyntheticPresetTests
{
    // Llama's merges, for instance, take 4 MB more than generated ones.
    private const long VocabularyBytes = 5_000_000;

    public static TheoryData<string> Presets => [.. SyntheticPreset.All.Select(preset => preset.Name)];

    [Theory]
    [MemberData(nameof(Presets))]
    public void PresetHasTheParametersOfTheRealModel(string name)
    {
        SyntheticPreset preset = SyntheticPreset.Find(name)!;

        Assert.Equal(preset.ParameterCount, Header(new SyntheticChoice(preset)).Tensors.Where(tensor => tensor.Name != "rope_freqs.weight").Sum(tensor => tensor.ElementCount));
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public void PresetIsValidInEveryMix(string name)
    {
        foreach (SyntheticMix mix in Enum.GetValues<SyntheticMix>())
            GgufModelValidator.Validate(Header(new SyntheticChoice(SyntheticPreset.Find(name)!, mix)));
    }

    // The bytes of the files that are offered for download in Q4_K_M. Theirs have other texts in their tokens, merges and chat templates.
    [Theory]
    [InlineData("llama-3.1-8b", 4_920_739_232)]
    [InlineData("llama-3.2-1b", 807_694_464)]
    [InlineData("qwen3-4b", 2_497_280_256)]
    [InlineData("qwen3-30b-a3b", 18_556_685_824)]
    [InlineData("olmoe-1b-7b", 4_213_512_672)]
    [InlineData("granite-3.1-1b-a400m", 821_847_360)]
    public void FileIsAsLargeAsTheRealOneButForItsVocabulary(string name, long bytes)
    {
        SyntheticChoice choice = new(SyntheticPreset.Find(name)!);
        GgufWriter writer = SyntheticModel.Describe(choice.Shape, choice.Preset.CreateVocabulary());

        Assert.InRange(bytes - SyntheticModel.LengthOf(writer), -VocabularyBytes, VocabularyBytes);
    }

    [Theory]
    [InlineData("synthetic:llama-3.1-8b", "llama-3.1-8b", "q4_k_m")]
    [InlineData("synthetic:qwen3-4b:q8_0", "qwen3-4b", "q8_0")]
    [InlineData("Synthetic:Qwen3-30B-A3B:F16", "qwen3-30b-a3b", "f16")]
    public void NameIsRead(string name, string preset, string mix)
    {
        Assert.True(SyntheticChoice.TryParse(name, out SyntheticChoice? choice, out _));
        Assert.Equal((preset, mix), (choice.Preset.Name, choice.MixName));
    }

    [Fact]
    public void EveryNameIsReadBack()
    {
        foreach (SyntheticChoice choice in from preset in SyntheticPreset.All from mix in Enum.GetValues<SyntheticMix>() select new SyntheticChoice(preset, mix))
        {
            Assert.True(SyntheticChoice.TryParse(choice.ToString(), out SyntheticChoice? read, out _));
            Assert.Equal(choice, read);
        }
    }

    [Theory]
    [InlineData("synthetic:llama-4", "'llama-4'")]
    [InlineData("synthetic:llama-3.1-8b:q9", "'q9'")]
    [InlineData("synthetic:llama-3.1-8b:4", "'4'")]
    [InlineData("synthetic:llama-3.1-8b:q8_0:more", "SHAPE:MIX")]
    [InlineData("synthetic:", "''")]
    [InlineData("llama-3.1-8b", "SHAPE:MIX")]
    public void FaultOfAWrongNameListsAllRightOnes(string name, string part)
    {
        Assert.False(SyntheticChoice.TryParse(name, out _, out string? fault));
        Assert.All([part, "qwen3-30b-a3b", "q8_0"], text => Assert.Contains(text, fault, StringComparison.Ordinal));
    }

    internal static GgufFile Header(SyntheticChoice choice)
    {
        byte[] header = SyntheticModel.Describe(choice.Shape, choice.Preset.CreateVocabulary()).LayOutHeader();
        Assert.True(GgufFile.TryReadPrefix(header, fileLength: null, out GgufFile? file));
        return file;
    }
}
