using EmbeddedLlm.Runtime;
using EmbeddedLlm.Tests.Gguf;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class EmbeddingFactsTests
{
    // llama.cpp takes both files for models of the same architecture.
    [Theory]
    [InlineData("deepseek4")]
    [InlineData("deepseek4\0x")]
    public void AnArchitectureWithoutVectorsIsKnownByWhatIsBeforeAZeroByte(string architecture) =>
        Assert.False(EmbeddingFacts.Read([new EditableModel().Set("general.architecture", architecture).Build()]).MakesVectors);

    [Fact]
    public void AModelOfTextMakesVectors()
    {
        EmbeddingFacts facts = EmbeddingFacts.Read([new EditableModel().Build()]);
        Assert.True(facts.MakesVectors);
        Assert.False(facts.IsEncoder);
    }
}
