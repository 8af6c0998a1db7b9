using Microsoft.Extensions.Logging;

namespace EmbeddedLlm;

/// <summary>How a model is loaded. What is left at its default is chosen for the model and the machine.</summary>
/// <remarks>The options are read once, by the call that they are given to; changing them afterwards has no effect.</remarks>
public sealed class EmbeddedModelOptions
{
    /// <summary>llama.cpp rounds the length of a cache up to multiples of 256, and beyond this one positions no longer fit 32 bits.</summary>
    internal const int MostCells = int.MaxValue / 256 * 256;

    /// <summary>
    /// The longest prompt and answer of one request together, in tokens. Default: the length the model was trained with, at most 8,192, or less where
    /// the free memory holds no more.
    /// </summary>
    public int? ContextLength { get; set; }

    /// <summary>
    /// How many requests are computed together in one step; further ones wait in the queue. From 1 to 256. Default: 8. Where it is 1, and <see cref="PrefixCacheLength"/> 0, each token takes some 80 µs less, which
    /// counts for models that need less than a few milliseconds for one. Models of the architecture <c>plamo2</c> have each request wait for the one before it, since llama.cpp cannot compute several of them together.
    /// </summary>
    public int MaxSequences { get; set; } = 8;

    /// <summary>
    /// The KV cache's size in tokens, shared by all requests. Default: enough for <see cref="MaxSequences"/> full contexts, but no more than
    /// 1 GiB or one full context, whichever is larger, and no more than the free memory holds.
    /// </summary>
    public int? CacheLength { get; set; }

    /// <summary>
    /// How many tokens of the KV cache finished requests may keep, so that a later request that begins alike, such as a conversation's next turn, needs not compute them again;
    /// 0 switches that off. They make room where running requests need it. Default: half of the KV cache, but at least one context; while requests run on a CPU that do not use them, no
    /// more than make these slower by about a twentieth.
    /// </summary>
    public int? PrefixCacheLength { get; set; }

    /// <summary>
    /// The memory, in bytes, for states of finished requests and of prompts' beginnings in models with recurrent layers (Mamba, RWKV, Qwen3-Next, LFM2 and others): their state stands for all tokens so
    /// far and cannot be taken back, so copies of it are kept where a later prompt may part from an earlier one. It is taken when the model is loaded, for as many copies as fit, from 4 to 32; with
    /// <see cref="PrefixCacheLength"/> 0 for none. Other models need none of it. Default: 512 MiB.
    /// </summary>
    public long CheckpointBytes { get; set; } = 512L << 20;

    /// <summary>
    /// The most tokens computed in one step; a longer prompt is computed in chunks of this size, and no more requests run at once than this is tokens. Default, where null: 512, and 256 where a CPU
    /// computes attention in steps, with the products of all queries and keys in memory (see <see cref="FlashAttention"/>); for embeddings on a CPU 256, and 64 in steps.
    /// </summary>
    public int? BatchSize { get; set; }

    /// <summary>
    /// The most tokens of prompts, and of text that schemas and grammars leave no choice about, in a step that also computes other requests' next tokens, so that these wait no longer than
    /// for that many. Default, where null: as many as the model was seen to compute in a tenth of a second, or in the time of eight steps without prompts where that is more; from 16 to 128 on a CPU,
    /// and to <see cref="BatchSize"/> with layers on GPUs. Where no other request has a next token, a long prompt then takes no more than a second of a step, but at least 128 tokens, so that a short
    /// one that comes meanwhile need not wait for all of it.
    /// </summary>
    public int? PrefillChunk { get; set; }

    /// <summary>
    /// How many tokens are guessed ahead where an answer repeats what the conversation has said before, and then computed in one step; the answer itself stays the same. Pays where
    /// a step with several tokens takes little longer than with one (GPUs, large models) and where answers quote: summaries, code edits. From 0 (off) to 16. Default: 0.
    /// </summary>
    public int PromptLookupTokens { get; set; }

    /// <summary>
    /// A small model, by catalogue name or path, that guesses ahead where <see cref="PromptLookupTokens"/> finds nothing (speculative decoding); the answer itself stays that of the model that is loaded.
    /// Both must have the same vocabulary, and neither recurrent layers; otherwise loading ends with <see cref="ModelLoadException"/>. Pays where the small model is many times faster and a step with
    /// several tokens takes little longer than with one, as on GPUs. Default: none.
    /// </summary>
    public string? DraftModel { get; set; }

    /// <summary>How many tokens <see cref="DraftModel"/> guesses ahead at most, from 1 to 16. Default: 8.</summary>
    public int DraftTokens { get; set; } = 8;

    /// <summary>
    /// How many requests may wait; one more ends with <see cref="QueueFullException"/>. With <see cref="int.MaxValue"/> all wait for their turn, which holds up no thread and can be
    /// cancelled. Default: 1,024.
    /// </summary>
    public int QueueCapacity { get; set; } = 1024;

    /// <summary>
    /// How long a request's first token may take, waiting for other requests included, before it ends with <see cref="TimeoutException"/>. Default: as long as it takes.
    /// </summary>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>How long a whole request may take, waiting for other requests included, before it ends with <see cref="TimeoutException"/>. Default: as long as it takes.</summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>
    /// How many of the model's layers are held by GPUs, the output counted as one; 0 for none. Default: as many as the GPUs' free memory holds, fewer where a GPU then refuses the memory all the same, and
    /// none where no GPU can be used. A number above 0 where no GPU can be used ends the load with <see cref="DeviceUnavailableException"/>.
    /// </summary>
    public int? GpuLayers { get; set; }

    /// <summary>
    /// The GPUs that hold layers, in this order: names of devices, such as <c>CUDA0</c>, or of backends, such as <c>CUDA</c> or <c>Vulkan</c>, for all of theirs; <c>CPU</c>, or none, for no GPU.
    /// <see cref="EmbeddedRuntime.Describe"/> lists them. A name that there is not ends the load with <see cref="DeviceUnavailableException"/>. Default: all cards, each once where several backends offer it,
    /// and the processor's own graphics only where there is no card.
    /// </summary>
    public IReadOnlyList<string>? Devices { get; set; }

    /// <summary>How layers are spread where there are several GPUs. Default: over all of them.</summary>
    public DeviceSplit DeviceSplit { get; set; }

    /// <summary>The share of the layers that each GPU gets, in the order of <see cref="Devices"/>; any scale, such as 3 and 1. Default: by the GPUs' free memory.</summary>
    public IReadOnlyList<float>? DeviceShares { get; set; }

    /// <summary>
    /// The main memory that the model may take, in bytes; a model that needs more is refused with <see cref="InsufficientMemoryException"/> before anything is loaded. Set it to
    /// <see cref="long.MaxValue"/> to try in any case. Default: what is free, by the limits of the process's control groups too, less a reserve of a twentieth, at most 512 MiB.
    /// </summary>
    public long? MemoryLimit { get; set; }

    /// <summary>
    /// The number of CPU threads that compute, at most one for each core that the process may use. Default: chosen for the model's size and for the cores that are free while it loads,
    /// and lowered for a time where the machine becomes too busy for them.
    /// </summary>
    public int? Threads { get; set; }

    /// <summary>The type in which the KV cache keeps keys. A quantised type needs heads of a multiple of 32 numbers. Default: F16.</summary>
    public KvCacheType KeyCacheType { get; set; } = KvCacheType.F16;

    /// <summary>The type in which the KV cache keeps values. A quantised type needs flash attention, and heads of a multiple of 32 numbers. Default: F16.</summary>
    public KvCacheType ValueCacheType { get; set; } = KvCacheType.F16;

    /// <summary>
    /// Whether attention is computed block by block (flash attention), which needs less memory. On a CPU with AVX2 or AVX-512 the library does so itself, in place of llama.cpp's fused kernel, where keys and values
    /// are kept as F16, no layers are on GPUs, and heads are a multiple of 16 numbers: a question after a history of 4,096 tokens was answered 2.3 times as soon. False for llama.cpp's products of all queries and
    /// keys. Default: by the library where it can; by llama.cpp's kernel where the device has it, on a CPU only for heads as long as its vector registers divide, since a token otherwise takes up to three times as
    /// long with a long history.
    /// </summary>
    public bool? FlashAttention { get; set; }

    /// <summary>Whether the file is mapped into memory rather than read. Default: <see langword="true"/>.</summary>
    /// <remarks>
    /// Who cuts or overwrites a mapped file while the model is loaded takes its weights away: Linux and macOS end the process with <c>SIGBUS</c>, or answers are wrong; Windows refuses to cut it. A file that is put
    /// in its place by renaming, as downloads are, changes nothing for models that are loaded already.
    /// </remarks>
    public bool MemoryMap { get; set; } = true;

    /// <summary>
    /// The LoRA adapters to load with the model, each of another name. Requests are computed with all of them, at their own scales, unless <see cref="GenerationOptions.Adapters"/> says otherwise; embeddings,
    /// rerankings and what a draft model guesses always with none. Requests with the same adapters and scales are computed together; different ones take turns of several tokens. Default: none.
    /// </summary>
    public IReadOnlyList<LoraAdapter> Adapters { get; set; } = [];

    /// <summary>A Jinja chat template to use in place of the one in the model's file.</summary>
    public string? ChatTemplate { get; set; }

    /// <summary>What happens where the model has no chat template or one that cannot be parsed. Default: an error.</summary>
    public ChatTemplateFallback ChatTemplateFallback { get; set; }

    /// <summary>What happens where a request has tools and the model's chat template does not tell the model about them. Default: a system message does.</summary>
    public ToolFallback ToolFallback { get; set; }

    /// <summary>
    /// The folder that holds llama.cpp's native libraries. Default: the environment variable <c>EMBEDDEDLLM_NATIVE_DIR</c>, else the application's own folder and
    /// the package's. The first load of a process decides.
    /// </summary>
    public string? NativeLibraryFolder { get; set; }

    /// <summary>
    /// How many conversations are kept for requests that carry a <c>ChatOptions.ConversationId</c>: beyond that the least recently used ones are forgotten. Only their messages are held, in managed
    /// memory. Default: 1024.
    /// </summary>
    public int ConversationCapacity { get; set; } = 1024;

    /// <summary>
    /// What happens where a model is named by a catalogue name, a repository or an address and is not on the machine yet. Default: an error that says how to get it, since gigabytes are a surprise to
    /// a program that starts, a build server and whoever pays for the network.
    /// </summary>
    public ModelDownload Download { get; set; }

    /// <summary>Gets how far a download is that <see cref="Download"/> asks for, on the downloading threads. Default: nobody.</summary>
    public IProgress<ModelDownloadProgress>? DownloadProgress { get; set; }

    /// <summary>Where downloaded models are, and how they are downloaded. Default: as <see cref="ModelStoreOptions"/> says.</summary>
    public ModelStoreOptions? Store { get; set; }

    /// <summary>Where log lines go, llama.cpp's own included. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>A copy of options, the defaults where there are none, that nobody changes any more.</summary>
    /// <exception cref="ArgumentException">An option makes no sense; the exception names it.</exception>
    internal static EmbeddedModelOptions Fix(EmbeddedModelOptions? options)
    {
        EmbeddedModelOptions copy = options is null ? new EmbeddedModelOptions() : (EmbeddedModelOptions)options.MemberwiseClone();
        copy.Devices = copy.Devices is null ? null : [.. copy.Devices];
        copy.DeviceShares = copy.DeviceShares is null ? null : [.. copy.DeviceShares];
        copy.Adapters = copy.Adapters is null ? null! : [.. copy.Adapters];
        copy.Store = copy.Store?.Copy();
        copy.Validate();
        return copy;
    }

    /// <summary>Throws <see cref="ArgumentException"/>, naming the option, where a value makes no sense.</summary>
    internal void Validate()
    {
        if (ContextLength is { } contextLength)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(contextLength, 2, nameof(ContextLength));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(contextLength, MostCells, nameof(ContextLength));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1, nameof(MaxSequences));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxSequences, 256, nameof(MaxSequences));
        if (CacheLength is { } cacheLength)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(cacheLength, ContextLength ?? 2, nameof(CacheLength));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(cacheLength, MostCells, nameof(CacheLength));
        }

        if (PrefixCacheLength is { } prefixCacheLength)
            ArgumentOutOfRangeException.ThrowIfNegative(prefixCacheLength, nameof(PrefixCacheLength));
        ArgumentOutOfRangeException.ThrowIfNegative(CheckpointBytes, nameof(CheckpointBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchSize ?? 1, 1, nameof(BatchSize));
        ArgumentOutOfRangeException.ThrowIfLessThan(PrefillChunk ?? 1, 1, nameof(PrefillChunk));
        ArgumentOutOfRangeException.ThrowIfLessThan(QueueCapacity, 1, nameof(QueueCapacity));
        ArgumentOutOfRangeException.ThrowIfLessThan(ConversationCapacity, 1, nameof(ConversationCapacity));
        ArgumentOutOfRangeException.ThrowIfNegative(PromptLookupTokens, nameof(PromptLookupTokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PromptLookupTokens, 16, nameof(PromptLookupTokens));
        ArgumentOutOfRangeException.ThrowIfLessThan(DraftTokens, 1, nameof(DraftTokens));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(DraftTokens, 16, nameof(DraftTokens));
        ThrowIfNoTimeout(FirstTokenTimeout, nameof(FirstTokenTimeout));
        ThrowIfNoTimeout(RequestTimeout, nameof(RequestTimeout));
        if (GpuLayers is { } gpuLayers)
            ArgumentOutOfRangeException.ThrowIfNegative(gpuLayers, nameof(GpuLayers));
        ValidateDevices();
        if (MemoryLimit is { } memoryLimit)
            ArgumentOutOfRangeException.ThrowIfNegative(memoryLimit, nameof(MemoryLimit));
        if (Threads is { } threads)
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(Threads));
        if (!Enum.IsDefined(KeyCacheType))
            throw new ArgumentOutOfRangeException(nameof(KeyCacheType), KeyCacheType, null);
        if (!Enum.IsDefined(ValueCacheType))
            throw new ArgumentOutOfRangeException(nameof(ValueCacheType), ValueCacheType, null);
        if (!Enum.IsDefined(ChatTemplateFallback))
            throw new ArgumentOutOfRangeException(nameof(ChatTemplateFallback), ChatTemplateFallback, null);
        if (!Enum.IsDefined(Download))
            throw new ArgumentOutOfRangeException(nameof(Download), Download, null);
        Store?.Validate();
        if (!Enum.IsDefined(ToolFallback))
            throw new ArgumentOutOfRangeException(nameof(ToolFallback), ToolFallback, null);
        ValidateAdapters();
        if (FlashAttention is false && ValueCacheType is KvCacheType.Q8_0 or KvCacheType.Q5_0 or KvCacheType.Q4_0)
            throw new ArgumentException($"A quantised value cache ({ValueCacheType}) needs {nameof(FlashAttention)}.", nameof(ValueCacheType));
    }

    private void ValidateDevices()
    {
        foreach (string device in Devices ?? [])
            ArgumentException.ThrowIfNullOrWhiteSpace(device, nameof(Devices));
        if (!Enum.IsDefined(DeviceSplit))
            throw new ArgumentOutOfRangeException(nameof(DeviceSplit), DeviceSplit, null);
        if (DeviceShares is null)
            return;
        if (DeviceSplit == DeviceSplit.OneDevice)
            throw new ArgumentException($"Shares are for layers that are spread; {nameof(DeviceSplit)} puts them on one GPU.", nameof(DeviceShares));
        float sum = 0;
        foreach (float share in DeviceShares)
        {
            if (!float.IsFinite(share) || share < 0)
                throw new ArgumentOutOfRangeException(nameof(DeviceShares), share, "A share is a number from 0.");
            sum += share;
        }

        if (!(sum > 0) || !float.IsFinite(sum))
            throw new ArgumentException("The shares must have a sum above 0.", nameof(DeviceShares));
    }

    private void ValidateAdapters()
    {
        ArgumentNullException.ThrowIfNull(Adapters);
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (LoraAdapter adapter in Adapters)
        {
            ArgumentNullException.ThrowIfNull(adapter, nameof(Adapters));
            ArgumentException.ThrowIfNullOrEmpty(adapter.Path, nameof(Adapters));
            if (adapter.NameOrDefault.Length == 0)
                throw new ArgumentException($"The adapter '{adapter.Path}' has an empty name.", nameof(Adapters));
            if (!names.Add(adapter.NameOrDefault))
                throw new ArgumentException($"Two adapters have the name '{adapter.NameOrDefault}'.", nameof(Adapters));
            if (!float.IsFinite(adapter.Scale))
                throw new ArgumentOutOfRangeException(nameof(Adapters), adapter.Scale, $"The scale of the adapter '{adapter.NameOrDefault}' is not finite.");
        }
    }

    /// <summary>Throws where a time limit is none that a timer can keep: not above zero, or more than 49 days.</summary>
    internal static void ThrowIfNoTimeout(TimeSpan? timeout, string name)
    {
        if (timeout is not { } limit)
            return;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, TimeSpan.FromMilliseconds(uint.MaxValue - 1), name);
    }
}

/// <summary>How layers are spread over GPUs.</summary>
public enum DeviceSplit
{
    /// <summary>Each GPU holds some of the layers, and its part of the KV cache.</summary>
    Layers,

    /// <summary>One GPU holds them all: the one with the most free memory.</summary>
    OneDevice,
}

/// <summary>A type in which the KV cache keeps its numbers. Smaller types save memory and cost accuracy.</summary>
public enum KvCacheType
{
    /// <summary>16-bit floating point, 2 bytes a number.</summary>
    F16,

    /// <summary>32-bit floating point, 4 bytes a number.</summary>
    F32,

    /// <summary>bfloat16, 2 bytes a number.</summary>
    BF16,

    /// <summary>8-bit blocks, 34 bytes for 32 numbers.</summary>
    Q8_0,

    /// <summary>5-bit blocks, 22 bytes for 32 numbers.</summary>
    Q5_0,

    /// <summary>4-bit blocks, 18 bytes for 32 numbers.</summary>
    Q4_0,
}

/// <summary>What happens where a model has no usable chat template.</summary>
public enum ChatTemplateFallback
{
    /// <summary>Chat requests end with an exception that says what is wrong.</summary>
    Error,

    /// <summary>ChatML (<c>&lt;|im_start|&gt;role … &lt;|im_end|&gt;</c>) is used.</summary>
    ChatMl,
}

/// <summary>What happens where a request has tools and the chat template does not tell the model about them.</summary>
public enum ToolFallback
{
    /// <summary>
    /// A system message describes the tools, and how to call them: as the template writes calls where it does, else as Hermes models do (<c>&lt;tool_call&gt;{"name": …, "arguments": …}&lt;/tool_call&gt;</c>).
    /// Calls are held to their schemas all the same, but a model that was not trained for tools may call them badly or not at all.
    /// </summary>
    Describe,

    /// <summary>The request ends with <see cref="NotSupportedException"/>.</summary>
    Refuse,
}
