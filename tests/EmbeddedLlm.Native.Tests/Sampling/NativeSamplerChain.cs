using EmbeddedLlm.Interop;
using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Native.Tests.Sampling;

/// <summary>llama.cpp's own samplers, put together as its command line does for the same options.</summary>
internal sealed unsafe class NativeSamplerChain : IDisposable
{
    private readonly SamplerHandle _chain;

    public NativeSamplerChain(SamplingOptions options, int vocabulary)
    {
        NativeLibraryLoader.Load();
        _chain = NativeMethods.llama_sampler_chain_init(NativeMethods.llama_sampler_chain_default_params());
        if (options.LogitBias is not null)
        {
            llama_logit_bias[] biases = [.. options.LogitBias.Select(b => new llama_logit_bias { token = b.Key, bias = b.Value })];
            Add(NativeMethods.llama_sampler_init_logit_bias(vocabulary, biases.Length, biases));
        }

        Add(NativeMethods.llama_sampler_init_penalties(
            vocabulary, options.PenaltyLastN, options.RepeatPenalty, options.FrequencyPenalty, options.PresencePenalty));
        Add(NativeMethods.llama_sampler_init_top_k(options.TopK));
        Add(NativeMethods.llama_sampler_init_top_p(options.TopP, 1));
        Add(NativeMethods.llama_sampler_init_min_p(options.MinP, 1));
        Add(NativeMethods.llama_sampler_init_temp(options.Temperature));
        Add(NativeMethods.llama_sampler_init_dist(1));

        void Add(llama_sampler* sampler) => NativeMethods.llama_sampler_chain_add(_chain, sampler);
    }

    public void Accept(int token) => NativeMethods.llama_sampler_accept(_chain, token);

    /// <summary>The tokens left after all steps with their probabilities. The mask acts first, as a grammar does there: by negative infinity.</summary>
    public Dictionary<int, float> Distribution(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed)
    {
        llama_token_data[] data = new llama_token_data[logits.Length];
        for (int i = 0; i < data.Length; i++)
        {
            bool isAllowed = allowed.IsEmpty || (allowed[i >> 6] >> (i & 63) & 1) != 0;
            data[i] = new llama_token_data { id = i, logit = isAllowed ? logits[i] : float.NegativeInfinity };
        }

        fixed (llama_token_data* first = data)
        {
            llama_token_data_array array = new() { data = first, size = (nuint)data.Length, selected = -1 };
            NativeMethods.llama_sampler_apply(_chain, ref array);

            // Tokens at negative infinity may still be in the array, with a probability of 0.
            Dictionary<int, float> kept = [];
            for (nuint i = 0; i < array.size; i++)
            {
                if (first[i].logit > float.NegativeInfinity)
                    kept.Add(first[i].id, first[i].p);
            }

            return kept;
        }
    }

    public void Dispose() => _chain.Dispose();
}
