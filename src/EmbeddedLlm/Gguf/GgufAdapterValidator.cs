namespace EmbeddedLlm.Gguf;

/// <summary>
/// Refuses LoRA adapters that would end the process, or change nothing, when llama.cpp computes with them: it looks at two of the dimensions of the matrices, and meets the rest with assertions.
/// </summary>
/// <remarks>
/// The checks follow llama.cpp v0.4.0. An adapter has pairs of matrices, <c>X.lora_a</c> and <c>X.lora_b</c>, for tensors <c>X</c> of the model; what <c>X</c> computes has <c>scale · alpha / rank · B · A</c>
/// added, where A is [columns of X × rank] and B is [rank × rows of X]. For embeddings A is [rank × tokens], and a token's row of it is multiplied with B. Only headers are looked at. Thread-safe.
/// </remarks>
public static class GgufAdapterValidator
{
    private const string SuffixA = ".lora_a";
    private const string SuffixB = ".lora_b";
    private const string Embeddings = "token_embd.weight";
    private const string AlphaKey = "adapter.lora.alpha";
    private const string InvocationKey = "adapter.alora.invocation_tokens";

    /// <summary>Checks an adapter as such.</summary>
    /// <param name="adapter">The header of its file.</param>
    /// <exception cref="GgufFormatException">It is no LoRA adapter, or one that is not safe to load. The message says why.</exception>
    public static void Validate(GgufFile adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        GgufLayoutChecks.Check(adapter);
        GgufModelKeys keys = new(adapter);
        if (keys.String("general.type") is null)
            throw new GgufFormatException(0, "the key 'general.type' is missing, which says 'adapter' in a LoRA adapter; a model is none");
        Require(keys, "general.type", "adapter");
        Require(keys, "adapter.type", "lora");
        if (keys.Single(AlphaKey) is { } alpha && !float.IsFinite(alpha))
            throw keys.Bad(AlphaKey, "is not finite");
        if (keys.TryGetValue(InvocationKey, out _))
            throw keys.Bad(InvocationKey, "makes it an activated LoRA (aLoRA), which is not supported");

        int pairs = 0;
        foreach (GgufTensorInfo tensor in adapter.Tensors)
        {
            if (IsIgnored(tensor))
                continue;
            if (BaseName(tensor.Name) is not { } name)
                throw Bad($"the tensor '{tensor.Name}' is neither {SuffixA} nor {SuffixB}");
            if (name.Contains(SuffixA, StringComparison.Ordinal) || name.Contains(SuffixB, StringComparison.Ordinal))
                throw Bad($"the tensor '{tensor.Name}' is an adapter of an adapter");
            CheckType(tensor);
            bool isA = tensor.Name.EndsWith(SuffixA, StringComparison.Ordinal);
            if (!adapter.TryGetTensor(name + (isA ? SuffixB : SuffixA), out GgufTensorInfo? other))
                throw Bad($"the tensor '{tensor.Name}' has no '{name}{(isA ? SuffixB : SuffixA)}' beside it");
            if (!isA)
                continue;
            CheckRanks(name, tensor, other);
            pairs++;
        }

        if (pairs == 0)
            throw Bad("it has no LoRA tensors");
    }

    /// <summary>Says why an adapter cannot be used with a model.</summary>
    /// <param name="adapter">The header of an adapter that passed <see cref="Validate"/>.</param>
    /// <param name="model">The headers of the model's files, in their order.</param>
    /// <returns>What does not fit, without a full stop; null where all does.</returns>
    public static string? FindMismatch(GgufFile adapter, IReadOnlyList<GgufFile> model)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(model);
        string architecture = new GgufModelKeys(adapter).Architecture;
        string wanted = new GgufModelKeys(model[0]).Architecture;
        if (architecture != wanted)
            return $"it is for the architecture '{architecture}', and the model's is '{wanted}'";
        foreach (GgufTensorInfo tensor in adapter.Tensors)
        {
            if (!tensor.Name.EndsWith(SuffixA, StringComparison.Ordinal))
                continue;
            string name = BaseName(tensor.Name)!;
            if (Find(model, name) is not { } target)
                return $"the model has no tensor '{name}'";
            adapter.TryGetTensor(name + SuffixB, out GgufTensorInfo? b);
            if (FindMismatch(target, tensor, b!, model) is { } mismatch)
                return mismatch;
        }

        return null;
    }

    /// <summary>Whether llama.cpp passes over a tensor of an adapter: norms are among those that some trainers save.</summary>
    internal static bool IsIgnored(GgufTensorInfo tensor) => tensor.Name.EndsWith("_norm.weight", StringComparison.Ordinal);

    private static string? FindMismatch(GgufTensorInfo target, GgufTensorInfo a, GgufTensorInfo b, IReadOnlyList<GgufFile> model)
    {
        if (target.Dimensions.Length < 2)
            return $"the tensor '{target.Name}' is no matrix";
        (long columns, long rows) = (target.Dimensions[0], target.Dimensions[1]);
        bool fits = IsOfEmbeddings(target.Name)
            ? a.DimensionOrOne(1) == rows && b.DimensionOrOne(1) == columns
            : a.DimensionOrOne(0) == columns && b.DimensionOrOne(1) == rows;
        // Matrices of experts have one for each.
        for (int i = 2; i < GgufHeaderParser.MaximumDimensions; i++)
            fits &= a.DimensionOrOne(i) == target.DimensionOrOne(i) && b.DimensionOrOne(i) == target.DimensionOrOne(i);
        if (!fits)
            return $"'{a}' and '{b}' are not for '{target}'";
        // The same matrix is then multiplied with as well, for which it would have to be the other way round.
        if (target.Name == Embeddings && Find(model, "output.weight") is null)
            return "it changes the embeddings, which are the model's output matrix as well";
        if (target.Type == GgmlType.NVFP4)
            return $"the tensor '{target.Name}' is of type {target.Type}, to which llama.cpp adds no adapters";
        return null;
    }

    private static void CheckRanks(string name, GgufTensorInfo a, GgufTensorInfo b)
    {
        long rank = a.DimensionOrOne(IsOfEmbeddings(name) ? 0 : 1);
        if (rank != b.DimensionOrOne(0))
            throw Bad($"'{a}' has rank {rank:N0} and '{b}' has {b.DimensionOrOne(0):N0}");
    }

    // What matrices are multiplied in.
    private static void CheckType(GgufTensorInfo tensor)
    {
        if (tensor.Type is GgmlType.Q8_1 or GgmlType.Q8_K or GgmlType.F64 or GgmlType.I8 or GgmlType.I16 or GgmlType.I32 or GgmlType.I64)
            throw Bad($"the tensor '{tensor.Name}' is of type {tensor.Type}, which is not for weights");
    }

    private static void Require(GgufModelKeys keys, string key, string wanted)
    {
        if ((keys.String(key) ?? throw GgufModelKeys.Missing(key)) is { } value && value != wanted)
            throw keys.Bad(key, $"is '{value}', not '{wanted}'");
    }

    private static bool IsOfEmbeddings(string name) => name.EndsWith(Embeddings, StringComparison.Ordinal);

    private static string? BaseName(string name) =>
        name.EndsWith(SuffixA, StringComparison.Ordinal) || name.EndsWith(SuffixB, StringComparison.Ordinal) ? name[..^SuffixA.Length] : null;

    private static GgufTensorInfo? Find(IReadOnlyList<GgufFile> model, string name)
    {
        foreach (GgufFile part in model)
        {
            if (part.TryGetTensor(name, out GgufTensorInfo? tensor))
                return tensor;
        }

        return null;
    }

    private static GgufFormatException Bad(string reason) => new(0, reason);
}
