using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

// llama.cpp's samplers, to compare ours with; the library itself samples in managed code.
internal static unsafe partial class NativeMethods
{
    [LibraryImport(Llama)]
    public static partial llama_sampler_chain_params llama_sampler_chain_default_params();

    [LibraryImport(Llama)]
    public static partial SamplerHandle llama_sampler_chain_init(llama_sampler_chain_params @params);

    /// <summary>The chain owns the sampler from here on.</summary>
    [LibraryImport(Llama)]
    public static partial void llama_sampler_chain_add(SamplerHandle chain, llama_sampler* smpl);

    [LibraryImport(Llama)]
    public static partial int llama_sampler_chain_n(SamplerHandle chain);

    [LibraryImport(Llama)]
    public static partial void llama_sampler_free(nint smpl);

    [LibraryImport(Llama)]
    public static partial void llama_sampler_apply(SamplerHandle smpl, ref llama_token_data_array cur_p);

    [LibraryImport(Llama)]
    public static partial void llama_sampler_accept(SamplerHandle smpl, int token);

    [LibraryImport(Llama)]
    public static partial void llama_sampler_reset(SamplerHandle smpl);

    [LibraryImport(Llama)]
    public static partial int llama_sampler_sample(SamplerHandle smpl, ContextHandle ctx, int idx);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_greedy();

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_dist(uint seed);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_top_k(int k);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_top_p(float p, nuint min_keep);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_min_p(float p, nuint min_keep);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_typical(float p, nuint min_keep);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_temp(float t);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_temp_ext(float t, float delta, float exponent);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_xtc(float p, float t, nuint min_keep, uint seed);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_top_n_sigma(float n);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_mirostat(int n_vocab, uint seed, float tau, float eta, int m);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_mirostat_v2(uint seed, float tau, float eta);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_penalties(
        int n_vocab, int penalty_last_n, float penalty_repeat, float penalty_freq, float penalty_present);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_dry(
        llama_vocab* vocab, float dry_multiplier, float dry_base, int dry_allowed_length, int dry_penalty_last_n, byte** seq_breakers, nuint num_breakers);

    [LibraryImport(Llama)]
    public static partial llama_sampler* llama_sampler_init_logit_bias(int n_vocab, int n_logit_bias, ReadOnlySpan<llama_logit_bias> logit_bias);

    [LibraryImport(Llama, StringMarshalling = StringMarshalling.Utf8)]
    public static partial llama_sampler* llama_sampler_init_grammar(llama_vocab* vocab, string grammar_str, string grammar_root);
}
