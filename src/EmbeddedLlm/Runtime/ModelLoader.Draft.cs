using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <content>The small model that guesses for the large one.</content>
internal sealed unsafe partial class ModelLoader
{
    /// <summary>Loads the draft model; null where there is none.</summary>
    /// <param name="decoder">The large model.</param>
    /// <param name="vocabulary">The large model's tokens.</param>
    /// <param name="contextLength">The large model's context length.</param>
    private DraftModel? LoadDraft(LlamaDecoder decoder, Vocabulary vocabulary, int contextLength)
    {
        if (draftPath is null)
            return null;
        if (!decoder.HasCellPerToken)
            throw new ModelLoadException($"'{path}' has recurrent layers: a wrong guess could not be taken back, so {nameof(EmbeddedModelOptions.DraftModel)} cannot be used with it.");
        EmbeddedModelOptions small = new()
        {
            ContextLength = contextLength,
            MaxSequences = options.MaxSequences,
            BatchSize = options.BatchSize,
            Threads = options.Threads,
            GpuLayers = options.GpuLayers,
            Devices = options.Devices,
            DeviceSplit = options.DeviceSplit,
            DeviceShares = options.DeviceShares,
            NativeLibraryFolder = options.NativeLibraryFolder,
            MemoryLimit = options.MemoryLimit,
            FlashAttention = options.FlashAttention,
            MemoryMap = options.MemoryMap,
            LoggerFactory = options.LoggerFactory,
        };
        return new ModelLoader(draftPath, modelId, small, progress).LoadAsDraft(decoder, vocabulary);
    }

    private DraftModel LoadAsDraft(LlamaDecoder target, Vocabulary vocabulary)
    {
        CpuTime? before = CpuCores.ReadTime();
        IReadOnlyList<GgufFile> files = ReadHeaders();
        GgufModelInfo info = GgufModelInfo.From(files);
        return WithRoom(files, load => LoadAsDraft(load, info, before, target, vocabulary));
    }

    private DraftModel LoadAsDraft(LoadPlan load, GgufModelInfo info, CpuTime? before, LlamaDecoder target, Vocabulary vocabulary)
    {
        // The context keeps the model open.
        using ModelHandle model = LoadWeights(load);
        EnsureComputes(model);
        if (NativeMethods.llama_model_is_recurrent(model) || NativeMethods.llama_model_is_hybrid(model))
            throw new ModelLoadException($"'{path}' has recurrent layers, which cannot take back wrong guesses: it cannot be a {nameof(EmbeddedModelOptions.DraftModel)}.");
        EnsureSameTokens(VocabularyReader.Read(model), vocabulary);
        ContextPlan plan = ContextPlan.Create(load.Sizes with { Slots = target.MaxSequences, Outputs = target.MaxSequences }, info, options, load.Plan.GpuLayers, before);
        ComputeContext context = CreateContext(model, plan, load, info);
        return new DraftModel(new LlamaDecoder(context, NativeMethods.llama_vocab_n_tokens(NativeMethods.llama_model_get_vocab(model)), SharingOf(model, info), GovernorOf(plan)), vocabulary.Count);
    }

    /// <summary>The two must number the same tokens alike; one of them may have more at its end, as models of one family often are filled up differently.</summary>
    private void EnsureSameTokens(Vocabulary ours, Vocabulary theirs)
    {
        for (int token = 0; token < Math.Min(ours.Count, theirs.Count); token++)
        {
            if (!ours.BytesOf(token).SequenceEqual(theirs.BytesOf(token)))
                throw new ModelLoadException($"'{path}' cannot be a {nameof(EmbeddedModelOptions.DraftModel)} here: its token {token} is another than that of the model it is to guess for. Both must have the same vocabulary.");
        }
    }
}
