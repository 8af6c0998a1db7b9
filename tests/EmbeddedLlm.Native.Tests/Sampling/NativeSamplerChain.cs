using System.Runtime.InteropServices;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Native.Tests.Sampling;

/// <summary>llama.cpp's own samplers, put together as its command line does for the same options.</summary>
internal sealed unsafe class NativeSamplerChain : IDisposable
{
    private readonly SamplerHandle _chain;
    private readonly bool _leavesOut;

    public NativeSamplerChain(SamplingOptions options, int vocabulary)
        : this(options, vocabulary, null)
    {
    }

    /// <param name="options">The options.</param>
    /// <param name="vocabulary">The number of tokens.</param>
    /// <param name="vocab">The model's tokens; needed for DRY only.</param>
    /// <param name="breakers">DRY's sequence breakers.</param>
    public NativeSamplerChain(SamplingOptions options, int vocabulary, llama_vocab* vocab, params string[] breakers)
    {
        // Where llama.cpp has steps that count tokens of probability 0 or take their logarithm, masked tokens are not given to it at all.
        _leavesOut = options.HasRareCuts || options.Mirostat != MirostatVersion.Off;
        NativeLibraryLoader.Load();
        _chain = NativeMethods.llama_sampler_chain_init(NativeMethods.llama_sampler_chain_default_params());
        if (options.LogitBias is not null)
        {
            llama_logit_bias[] biases = [.. options.LogitBias.Select(b => new llama_logit_bias { token = b.Key, bias = b.Value })];
            Add(NativeMethods.llama_sampler_init_logit_bias(vocabulary, biases.Length, biases));
        }

        Add(NativeMethods.llama_sampler_init_penalties(
            vocabulary, options.PenaltyLastN, options.RepeatPenalty, options.FrequencyPenalty, options.PresencePenalty));
        if (vocab != null)
            Add(CreateDry(options, vocab, breakers));
        if (options.Mirostat != MirostatVersion.Off)
        {
            Add(NativeMethods.llama_sampler_init_temp(options.Temperature));
            Add(options.Mirostat == MirostatVersion.V1
                ? NativeMethods.llama_sampler_init_mirostat(vocabulary, 1, options.MirostatTau, options.MirostatEta, 100)
                : NativeMethods.llama_sampler_init_mirostat_v2(1, options.MirostatTau, options.MirostatEta));
            return;
        }

        Add(NativeMethods.llama_sampler_init_top_n_sigma(options.TopNSigma));
        Add(NativeMethods.llama_sampler_init_top_k(options.TopK));
        Add(NativeMethods.llama_sampler_init_typical(options.TypicalP, 1));
        Add(NativeMethods.llama_sampler_init_top_p(options.TopP, 1));
        Add(NativeMethods.llama_sampler_init_min_p(options.MinP, 1));
        Add(NativeMethods.llama_sampler_init_xtc(options.XtcProbability, options.XtcThreshold, 1, 1));
        Add(NativeMethods.llama_sampler_init_temp_ext(options.Temperature, options.DynamicTemperatureRange, options.DynamicTemperatureExponent));
        Add(NativeMethods.llama_sampler_init_dist(1));

        void Add(llama_sampler* sampler) => NativeMethods.llama_sampler_chain_add(_chain, sampler);
    }

    /// <summary>The token that the last call of <see cref="Distribution"/> has drawn.</summary>
    public int Selected { get; private set; }

    public void Accept(int token) => NativeMethods.llama_sampler_accept(_chain, token);

    /// <summary>The tokens left after all steps with their probabilities. The mask acts first, as a grammar does there: by negative infinity.</summary>
    public Dictionary<int, float> Distribution(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed)
    {
        llama_token_data[] data = new llama_token_data[logits.Length];
        int count = 0;
        for (int i = 0; i < data.Length; i++)
        {
            bool isAllowed = allowed.IsEmpty || (allowed[i >> 6] >> (i & 63) & 1) != 0;
            if (isAllowed || !_leavesOut)
                data[count++] = new llama_token_data { id = i, logit = isAllowed ? logits[i] : float.NegativeInfinity };
        }

        fixed (llama_token_data* first = data)
        {
            llama_token_data_array array = new() { data = first, size = (nuint)count, selected = -1 };
            NativeMethods.llama_sampler_apply(_chain, ref array);
            llama_token_data* left = array.data;
            Selected = left[array.selected].id;

            // Tokens at negative infinity may still be in the array, with a probability of 0.
            Dictionary<int, float> kept = [];
            for (nuint i = 0; i < array.size; i++)
            {
                if (left[i].logit > float.NegativeInfinity)
                    kept.Add(left[i].id, left[i].p);
            }

            return kept;
        }
    }

    private static llama_sampler* CreateDry(SamplingOptions options, llama_vocab* vocab, string[] breakers)
    {
        nint[] texts = [.. breakers.Select(Marshal.StringToCoTaskMemUTF8)];
        fixed (nint* first = texts)
        {
            llama_sampler* sampler = NativeMethods.llama_sampler_init_dry(
                vocab, options.DryMultiplier, options.DryBase, options.DryAllowedLength, options.DryPenaltyLastN, (byte**)first, (nuint)texts.Length);
            foreach (nint text in texts)
                Marshal.FreeCoTaskMem(text);
            return sampler;
        }
    }

    public void Dispose() => _chain.Dispose();
}
