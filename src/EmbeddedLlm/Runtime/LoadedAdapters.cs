using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Runtime;

/// <summary>The adapters that a model was loaded with, by their names. Owns their handles, which are to be disposed after the contexts that use them; all else is safe to use from any thread.</summary>
internal sealed partial class LoadedAdapters : IDisposable
{
    private readonly AdapterHandle[] _handles;
    private readonly string[] _names;
    private readonly Lazy<byte[]>[] _fingerprints;

    private LoadedAdapters(LoraAdapter[] adapters, AdapterHandle[] handles)
    {
        Adapters = adapters;
        _handles = handles;
        _names = [.. adapters.Select(adapter => adapter.NameOrDefault)];
        _fingerprints = [.. adapters.Select(adapter => new Lazy<byte[]>(() => StateIdentity.FingerprintOf(adapter.Path), LazyThreadSafetyMode.PublicationOnly))];
        Defaults = AdapterSet.Of(adapters.Select((adapter, index) => new ScaledAdapter(index, adapter.Scale)));
    }

    /// <summary>The adapters with their full paths and their names, in the order of the options.</summary>
    public IReadOnlyList<LoraAdapter> Adapters { get; }

    /// <summary>What requests are computed with that say nothing.</summary>
    public AdapterSet Defaults { get; }

    /// <summary>Checks the headers of adapters before anything is loaded.</summary>
    /// <exception cref="GgufFormatException">A file is damaged, or holds something else.</exception>
    /// <exception cref="ModelLoadException">A file cannot be read, or does not fit the model.</exception>
    public static void Check(IReadOnlyList<LoraAdapter> wanted, string modelPath, IReadOnlyList<GgufFile> modelFiles, ILogger logger)
    {
        foreach (LoraAdapter adapter in wanted)
            Check(adapter, modelPath, modelFiles, logger);
    }

    /// <summary>Loads adapters that have been checked, all or none. To be called before the first context is made, which takes its size from them.</summary>
    /// <exception cref="ModelLoadException">llama.cpp refuses one.</exception>
    public static LoadedAdapters Load(IReadOnlyList<LoraAdapter> wanted, ModelHandle model)
    {
        LoraAdapter[] adapters = [.. wanted.Select(adapter => adapter with { Path = Path.GetFullPath(adapter.Path), Name = adapter.NameOrDefault })];
        List<AdapterHandle> handles = [];
        try
        {
            foreach (LoraAdapter adapter in adapters)
            {
                long mark = NativeLog.Mark();
                AdapterHandle handle = AdapterHandle.Load(model, adapter.Path);
                handles.Add(handle);
                if (handle.IsInvalid)
                    throw new ModelLoadException($"llama.cpp could not load the adapter '{adapter.Path}'.{ModelLoader.ReasonSince(mark)}");
            }

            return new LoadedAdapters(adapters, [.. handles]);
        }
        catch
        {
            foreach (AdapterHandle handle in handles)
                handle.Dispose();
            throw;
        }
    }

    /// <summary>The set that a request asks for.</summary>
    /// <param name="adapters">The adapters by their names; null for the defaults.</param>
    /// <exception cref="ArgumentException">There is no adapter of a name, or it is there twice, or a scale is not finite.</exception>
    public AdapterSet SetOf(IReadOnlyList<AdapterScale>? adapters)
    {
        if (adapters is null)
            return Defaults;
        ScaledAdapter[] scaled = new ScaledAdapter[adapters.Count];
        for (int i = 0; i < scaled.Length; i++)
        {
            AdapterScale adapter = adapters[i] ?? throw new ArgumentException("An adapter is null.", nameof(adapters));
            int index = Array.FindIndex(_names, name => name == adapter.Name);
            if (index < 0)
            {
                throw new ArgumentException(
                    _names.Length == 0 ? $"There is no adapter '{adapter.Name}': the model was loaded without any." : $"There is no adapter '{adapter.Name}'. Those there are: '{string.Join("', '", _names)}'.",
                    nameof(adapters));
            }

            if (Array.Exists(scaled[..i], other => other.Index == index))
                throw new ArgumentException($"The adapter '{adapter.Name}' is asked for twice.", nameof(adapters));
            if (!float.IsFinite(adapter.Scale))
                throw new ArgumentOutOfRangeException(nameof(adapters), adapter.Scale, $"The scale of the adapter '{adapter.Name}' is not finite.");
            scaled[i] = new ScaledAdapter(index, adapter.Scale);
        }

        return AdapterSet.Of(scaled);
    }

    /// <summary>What the file of each of a set's adapters is told by, with its scale.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public IEnumerable<(byte[] Fingerprint, float Scale)> Identify(AdapterSet set)
    {
        foreach (ScaledAdapter adapter in set.Adapters.ToArray())
            yield return (_fingerprints[adapter.Index].Value, adapter.Scale);
    }

    /// <summary>Sets the adapters that a context computes with from now on.</summary>
    /// <exception cref="DecodeException">llama.cpp refuses.</exception>
    public void Use(ContextHandle context, AdapterSet set)
    {
        ReadOnlySpan<ScaledAdapter> adapters = set.Adapters;
        nint[] pointers = new nint[adapters.Length];
        float[] scales = new float[adapters.Length];
        for (int i = 0; i < adapters.Length; i++)
        {
            pointers[i] = _handles[adapters[i].Index].DangerousGetHandle();
            scales[i] = adapters[i].Scale;
        }

        int code = NativeMethods.llama_set_adapters_lora(context, pointers, (nuint)pointers.Length, scales);
        if (code != 0)
            throw new DecodeException($"llama.cpp did not take the adapters {set}: {code}.");
    }

    public void Dispose()
    {
        foreach (AdapterHandle handle in _handles)
            handle.Dispose();
    }

    private static void Check(LoraAdapter adapter, string modelPath, IReadOnlyList<GgufFile> modelFiles, ILogger logger)
    {
        try
        {
            GgufFile.EnsureNotEmpty(adapter.Path);
            GgufFile file = GgufFile.Open(adapter.Path);
            GgufAdapterValidator.Validate(file);
            if (GgufAdapterValidator.FindMismatch(file, modelFiles) is { } mismatch)
                throw new ModelLoadException($"The adapter '{adapter.Path}' does not fit '{modelPath}': {mismatch}.");
            if (file.Tensors.Where(GgufAdapterValidator.IsIgnored).Select(tensor => tensor.Name).ToArray() is { Length: > 0 } ignored)
                LogIgnored(logger, adapter.Path, string.Join(", ", ignored));
        }
        catch (GgufFormatException exception)
        {
            throw exception.In(adapter.Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"The adapter '{adapter.Path}' cannot be read: {exception.Message}", exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The adapter {Path} has norms, which llama.cpp does not use: {Tensors}.")]
    private static partial void LogIgnored(ILogger logger, string path, string tensors);
}
