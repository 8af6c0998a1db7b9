namespace EmbeddedLlm.ModelFuzz;

/// <summary>Names that mean something to llama.cpp v0.4.0 (src/llama-arch.cpp, src/llama-vocab.cpp), for mutations that add or exchange them.</summary>
internal static class Names
{
    /// <summary>Hyperparameters, without the architecture's name.</summary>
    public static string[] Hyperparameters { get; } = Split("""
        vocab_size context_length embedding_length embedding_length_out embedding_length_per_layer_input features_length block_count leading_dense_block_count feed_forward_length
        expert_feed_forward_length expert_shared_feed_forward_length expert_chunk_feed_forward_length swiglu_clamp_exp swiglu_clamp_shexp use_parallel_residual tensor_data_layout
        expert_count expert_used_count expert_shared_count expert_group_count expert_group_used_count expert_weights_scale expert_weights_norm expert_gating_func expert_group_scale
        experts_per_group moe_every_n_layers moe_latent_size nextn_predict_layers n_deepstack_layers pooling_type logit_scale decoder_start_token_id decoder_block_count
        attn_logit_softcapping router_logit_softcapping final_logit_softcapping swin_norm rescale_every_n_layers time_mix_extra_dim time_decay_extra_dim residual_scale
        embedding_scale token_shift_count interleave_moe_layer_step full_attention_interval num_loops attention.head_count attention.head_count_kv attention.max_alibi_bias
        attention.clamp_kqv attention.key_length attention.value_length attention.layer_norm_epsilon attention.layer_norm_rms_epsilon attention.group_norm_epsilon
        attention.group_norm_groups attention.causal attention.q_lora_rank attention.kv_lora_rank attention.decay_lora_rank attention.iclr_lora_rank
        attention.value_residual_mix_lora_rank attention.gate_lora_rank attention.relative_buckets_count attention.sliding_window attention.sliding_window_pattern
        attention.rope_pattern attention.scale attention.output_scale attention.value_scale attention.temperature_length attention.temperature_scale attention.key_length_mla
        attention.value_length_mla attention.key_length_swa attention.value_length_swa attention.indexer.head_count attention.indexer.key_length attention.indexer.top_k
        attention.indexer.block_size attention.indexer.local_blocks attention.shared_kv_layers attention.recurrent_layers attention.output_group_count attention.compress_ratios
        hyper_connection.count rope.dimension_count rope.dimension_count_swa rope.dimension_sections rope.freq_base rope.freq_base_swa rope.scale_linear rope.scaling.type
        rope.scaling.factor rope.scaling.alpha rope.scaling.attn_factor rope.scaling.original_context_length rope.scaling.finetuned rope.scaling.yarn_log_multiplier
        rope.scaling.yarn_ext_factor rope.scaling.yarn_attn_factor rope.scaling.yarn_beta_fast rope.scaling.yarn_beta_slow ssm.conv_kernel ssm.inner_size ssm.state_size
        ssm.time_step_rank ssm.group_count ssm.dt_b_c_rms kda.head_dim wkv.head_size posnet.embedding_length posnet.block_count convnext.embedding_length convnext.block_count
        classifier.output_labels shortconv.l_cache dense_2_feat_in dense_2_feat_out dense_3_feat_in dense_3_feat_out activation.situ_beta activation.situ_linear_beta adapters.count
        adapters.lora_rank adapters.router_gain adapters.token_ids_activate adapters.token_ids_substitute attention.compress_rope_freq_base attention.indexer.types
        attention.key_length_mla_swa attention.kv_lora_rank_swa attention.output_lora_rank attention.value_length_mla_swa attn_res.block_size block_size conv_group_size
        conv_kernel_size deepstack_mapping expert_latent_length hash_layer_count hidden_activation hyper_connection.epsilon hyper_connection.low_rank
        hyper_connection.sinkhorn_iterations kda.gate_lower_bound kda.safe_gate norm_before_fc norm_before_residual ple.conv_kernel ple.eos_token_id ple.head_offsets
        ple.head_vocab_sizes ple.heads_per_ngram ple.image_token_id ple.layer_multipliers ple.layers ple.ngram_size selector_rank selector_top_k skip_loop_final_norm
        target_hidden_size target_layers
        """);

    /// <summary>Keys of the tokenizer that hold a token's number.</summary>
    public static string[] TokenNumbers { get; } =
    [
        .. Split("bos eos eot eom unknown seperator padding cls mask fim_pre fim_suf fim_mid fim_pad fim_rep fim_sep prefix suffix middle").Select(name => $"tokenizer.ggml.{name}_token_id"),
    ];

    /// <summary>Keys of the tokenizer that hold a truth value.</summary>
    public static string[] Switches { get; } =
    [
        .. Split("add_bos_token add_eos_token add_sep_token add_space_prefix remove_extra_whitespaces normalizer.lowercase normalizer.strip_accents").Select(name => $"tokenizer.ggml.{name}"),
    ];

    /// <summary>Keys of the tokenizer that hold tables.</summary>
    public static string[] Tables { get; } =
    [
        "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges", "tokenizer.ggml.precompiled_charsmap", "tokenizer.ggml.suppress_tokens",
    ];

    public static string[] Tokenizers { get; } = Split("llama bert gpt2 t5 rwkv plamo2 gemma4 hybriddna whitespace none no_vocab unheard-of");

    public static string[] PreTokenizers { get; } = Split("""
        default llama3 llama-bpe deepseek-llm deepseek-coder deepseek-v3 falcon mpt starcoder gpt-2 jina-es jina-v2-code refact command-r qwen2 qwen35 stablelm2 olmo dbrx smaug-bpe poro-chat
        chatglm-bpe glm4 viking jais tekken smollm codeshell bloom gpt3-finnish exaone exaone4 chameleon minerva-7b megrez gpt-4o superbpe trillion granite-docling bailingmoe llama4 pixtral
        seed-coder hunyuan hunyuan-dense kimi-k2 modern-bert whitespace gemma4 granite-embed-multi-311m tiny_aya youtu talkie unheard-of
        """);

    /// <summary>Tensors that are optional somewhere, with the layer's number left open.</summary>
    public static string[] Tensors { get; } = Split("""
        output output_norm token_embd token_embd_norm token_types position_embd rope_freqs rope_factors_long rope_factors_short cls cls.norm cls.output conf_proj
        per_layer_token_embd blk.*.attn_norm blk.*.attn_norm_2 blk.*.attn_q blk.*.attn_k blk.*.attn_v blk.*.attn_qkv blk.*.attn_output blk.*.attn_q_norm blk.*.attn_k_norm
        blk.*.attn_sinks blk.*.attn_gate blk.*.attn_output_norm blk.*.post_attention_norm blk.*.attn_rot_embd blk.*.attn_sub_norm blk.*.ffn_norm blk.*.ffn_gate blk.*.ffn_up
        blk.*.ffn_down blk.*.ffn_gate_inp blk.*.ffn_gate_exps blk.*.ffn_up_exps blk.*.ffn_down_exps blk.*.ffn_gate_up_exps blk.*.ffn_gate_shexp blk.*.ffn_up_shexp
        blk.*.ffn_down_shexp blk.*.exp_probs_b blk.*.layer_output_norm blk.*.post_ffw_norm blk.*.layer_output_scale blk.*.ffn.act blk.*.ssm_in blk.*.ssm_conv1d blk.*.ssm_dt
        blk.*.ssm_a blk.*.ssm_d blk.*.ssm_norm blk.*.ssm_out blk.*.shortconv.conv blk.*.nextn.eh_proj output_hc_base output_hc_scale output_hc_fn output_res_score altup_proj
        altup_unembd_proj per_layer_model_proj per_layer_proj_norm dense_2 dense_3 enc.output_norm dec.output_norm blk.*.altup_correct_coef blk.*.altup_correct_scale
        blk.*.altup_predict_coef blk.*.altup_router blk.*.altup_router_norm blk.*.attn_compressor_ape blk.*.attn_compressor_gate blk.*.attn_compressor_kv blk.*.attn_compressor_norm
        blk.*.attn_conv_base blk.*.attn_conv_proj blk.*.attn_k_b blk.*.attn_kv blk.*.attn_kv_a_mqa blk.*.attn_kv_a_norm blk.*.attn_kv_b blk.*.attn_output_a blk.*.attn_output_b
        blk.*.attn_q_a blk.*.attn_q_a_norm blk.*.attn_q_b blk.*.attn_res_score blk.*.attn_v_b blk.*.channel_mix_key blk.*.channel_mix_lerp_k blk.*.channel_mix_lerp_r
        blk.*.channel_mix_receptance blk.*.channel_mix_value blk.*.exp_probs_b_vl blk.*.ffn_conv_base blk.*.ffn_conv_proj blk.*.ffn_down.0 blk.*.ffn_down_chexps blk.*.ffn_gate.0
        blk.*.ffn_gate_chexps blk.*.ffn_gate_inp_shexp blk.*.ffn_gate_tid2eid blk.*.ffn_latent_down blk.*.ffn_latent_up blk.*.ffn_norm_exps blk.*.ffn_res_score
        blk.*.ffn_routed_down blk.*.ffn_routed_norm blk.*.ffn_routed_up blk.*.ffn_sub_norm blk.*.ffn_up.0 blk.*.ffn_up_chexps blk.*.hc_attn_base blk.*.hc_attn_down blk.*.hc_attn_fn
        blk.*.hc_attn_inject blk.*.hc_attn_norm blk.*.hc_attn_scale blk.*.hc_attn_up blk.*.hc_ffn_base blk.*.hc_ffn_down blk.*.hc_ffn_fn blk.*.hc_ffn_inject blk.*.hc_ffn_norm
        blk.*.hc_ffn_scale blk.*.hc_ffn_up blk.*.indexer.attn_k blk.*.indexer.attn_q_b blk.*.indexer.k_norm blk.*.indexer.k_proj blk.*.indexer.proj blk.*.indexer.q_norm
        blk.*.indexer.q_proj blk.*.indexer_compressor_ape blk.*.indexer_compressor_gate blk.*.indexer_compressor_kv blk.*.indexer_compressor_norm blk.*.inp_gate blk.*.laurel_l
        blk.*.laurel_post_norm blk.*.laurel_r blk.*.nextn.embed_tokens blk.*.nextn.enorm blk.*.nextn.hnorm blk.*.nextn.shared_head_head blk.*.nextn.shared_head_norm
        blk.*.ple_conv1d blk.*.ple_key blk.*.ple_norm_conv blk.*.ple_norm_key blk.*.ple_norm_query blk.*.ple_value blk.*.post_ffw_norm_1 blk.*.post_ffw_norm_2 blk.*.post_norm
        blk.*.pre_ffw_norm_2 blk.*.proj blk.*.shortconv.in_proj blk.*.shortconv.out_proj blk.*.ssm_alpha blk.*.ssm_b_norm blk.*.ssm_ba blk.*.ssm_beta blk.*.ssm_c_norm
        blk.*.ssm_conv1d_k blk.*.ssm_conv1d_q blk.*.ssm_conv1d_v blk.*.ssm_dt_norm blk.*.ssm_f_a blk.*.ssm_f_b blk.*.ssm_g blk.*.ssm_g_a blk.*.ssm_g_b blk.*.ssm_x blk.*.time_mix_a0
        blk.*.time_mix_a1 blk.*.time_mix_a2 blk.*.time_mix_decay blk.*.time_mix_decay_w1 blk.*.time_mix_decay_w2 blk.*.time_mix_first blk.*.time_mix_g1 blk.*.time_mix_g2
        blk.*.time_mix_gate blk.*.time_mix_k_a blk.*.time_mix_k_k blk.*.time_mix_key blk.*.time_mix_lerp_fused blk.*.time_mix_lerp_g blk.*.time_mix_lerp_k blk.*.time_mix_lerp_r
        blk.*.time_mix_lerp_v blk.*.time_mix_lerp_w blk.*.time_mix_lerp_x blk.*.time_mix_ln blk.*.time_mix_output blk.*.time_mix_r_k blk.*.time_mix_receptance blk.*.time_mix_v0
        blk.*.time_mix_v1 blk.*.time_mix_v2 blk.*.time_mix_value blk.*.time_mix_w0 blk.*.time_mix_w1 blk.*.time_mix_w2 blk.*.vis_attn_output blk.*.vis_attn_qkv blk.*.vis_down
        blk.*.vis_gate blk.*.vis_up dec.blk.*.attn_k dec.blk.*.attn_norm dec.blk.*.attn_o dec.blk.*.attn_q dec.blk.*.attn_rel_b dec.blk.*.attn_v dec.blk.*.cross_attn_k
        dec.blk.*.cross_attn_norm dec.blk.*.cross_attn_o dec.blk.*.cross_attn_q dec.blk.*.cross_attn_rel_b dec.blk.*.cross_attn_v dec.blk.*.ffn_down dec.blk.*.ffn_gate
        dec.blk.*.ffn_norm dec.blk.*.ffn_up enc.blk.*.attn_k enc.blk.*.attn_norm enc.blk.*.attn_o enc.blk.*.attn_q enc.blk.*.attn_rel_b enc.blk.*.attn_v enc.blk.*.ffn_down
        enc.blk.*.ffn_gate enc.blk.*.ffn_norm enc.blk.*.ffn_up
        """);

    private static string[] Split(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
