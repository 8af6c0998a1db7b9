using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed unsafe class ExternsTests : IDisposable
{
    private const string CountToFive = "<|im_start|>user\nCount to five.<|im_end|>\n<|im_start|>assistant\n";

    private readonly StarterModel _starter = new();

    public void Dispose() => _starter.Dispose();

    [Fact]
    public void TheStarterModelCountsToFive() => Assert.Equal("1, 2, 3, 4, 5.", _starter.Generate(CountToFive));

    [Fact]
    public void ASamplerChainPicksTheSameTokenAsArgMax()
    {
        Assert.Equal(0, _starter.Decode(0, 0, _starter.Tokenize(CountToFive)));
        using SamplerHandle chain = NativeMethods.llama_sampler_chain_init(NativeMethods.llama_sampler_chain_default_params());
        NativeMethods.llama_sampler_chain_add(chain, NativeMethods.llama_sampler_init_top_k(5));
        NativeMethods.llama_sampler_chain_add(chain, NativeMethods.llama_sampler_init_greedy());

        Assert.Equal(2, NativeMethods.llama_sampler_chain_n(chain));
        Assert.Equal(StarterModel.ArgMax(_starter.Logits(-1)), NativeMethods.llama_sampler_sample(chain, _starter.Context, -1));
    }

    [Fact]
    public void AContextKeepsItsModelOpen()
    {
        _starter.Model.Dispose();
        int[] tokens = [1, 2, 3];
        Assert.Equal(0, _starter.Decode(0, 0, tokens));
        _starter.Context.Dispose();
        Assert.True(_starter.Model.IsClosed);
    }

    [Fact]
    public void AModelThatIsClosedWhileAContextIsMadeStaysOpenForIt()
    {
        ModelHandle model = ModelHandle.Load(TestPaths.Starter, NativeMethods.llama_model_default_params());
        // llama.cpp tells on the way what it makes, and that is the moment at which another thread closes the model.
        ClosingLogger closer = new(model);
        using IDisposable closing = NativeLog.Register(closer);
        ComputeContext? context = ComputeContext.TryCreate(model, NativeMethods.llama_context_default_params(), threads: 4, attention: null);
        Assert.True(closer.HasClosed);
        Assert.NotNull(context);
        LlamaDecoder decoder = new(context, vocabularySize: 1, new CellSharing(IsPossible: true, HasCellPerToken: true, Window: 0), governor: null);
        decoder.Batch.Add(slot: 0, [1, 2, 3], firstPosition: 0, wantsLogits: true);
        Assert.Equal(DecodeResult.Done, decoder.Decode());
        decoder.Dispose();
        Assert.True(model.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => ContextHandle.Create(model, NativeMethods.llama_context_default_params()));
    }

    [Fact]
    public void TheModelTellsItsShape()
    {
        Assert.Equal(512, NativeMethods.llama_model_n_ctx_train(_starter.Model));
        Assert.Equal(918_656ul, NativeMethods.llama_model_n_params(_starter.Model));
        Assert.True(NativeMethods.llama_model_has_decoder(_starter.Model));
        Assert.False(NativeMethods.llama_model_has_encoder(_starter.Model));
        Assert.False(NativeMethods.llama_model_is_recurrent(_starter.Model));
        Assert.False(NativeMethods.llama_model_is_hybrid(_starter.Model));
        Assert.InRange(NativeMethods.llama_model_n_head_kv(_starter.Model), 1, NativeMethods.llama_model_n_head(_starter.Model));
    }

    [Fact]
    public void MetadataIsReadByKeyAndByIndex()
    {
        Span<byte> buffer = stackalloc byte[256];
        int length = NativeMethods.llama_model_meta_val_str(_starter.Model, "general.architecture", buffer, (nuint)buffer.Length);
        string architecture = Encoding.UTF8.GetString(buffer[..length]);

        var byIndex = new Dictionary<string, string>();
        for (int i = 0; i < NativeMethods.llama_model_meta_count(_starter.Model); i++)
        {
            int keyLength = NativeMethods.llama_model_meta_key_by_index(_starter.Model, i, buffer, (nuint)buffer.Length);
            string key = Encoding.UTF8.GetString(buffer[..keyLength]);
            int valueLength = NativeMethods.llama_model_meta_val_str_by_index(_starter.Model, i, buffer, (nuint)buffer.Length);
            byIndex[key] = Encoding.UTF8.GetString(buffer[..Math.Min(valueLength, buffer.Length - 1)]);
        }

        Assert.Equal(architecture, byIndex["general.architecture"]);
        Assert.Equal(-1, NativeMethods.llama_model_meta_val_str(_starter.Model, "no.such.key", buffer, (nuint)buffer.Length));
    }

    [Fact]
    public void TheModelHasAChatTemplate()
    {
        string? template = Marshal.PtrToStringUTF8((nint)NativeMethods.llama_model_chat_template(_starter.Model, name: null));
        Assert.Contains("<|im_start|>", template, StringComparison.Ordinal);
    }

    [Fact]
    public void SpecialTokensAreParsedOnlyWhenAsked()
    {
        Assert.Single(_starter.Tokenize("<|im_end|>", parseSpecial: true));
        Assert.NotEqual(_starter.Tokenize("<|im_end|>", parseSpecial: true), _starter.Tokenize("<|im_end|>", parseSpecial: false));
    }

    [Fact]
    public void DetokenizingGivesTheTextBack()
    {
        int[] tokens = _starter.Tokenize("Count to five.");
        Span<byte> text = stackalloc byte[256];
        int length = NativeMethods.llama_detokenize(_starter.Vocab, tokens, tokens.Length, text, text.Length, remove_special: false, unparse_special: false);
        Assert.Equal("Count to five.", Encoding.UTF8.GetString(text[..length]));
    }

    [Fact]
    public void TheEndOfTurnIsAControlTokenThatEndsGeneration()
    {
        int token = Assert.Single(_starter.Tokenize("<|im_end|>"));
        Assert.True(NativeMethods.llama_vocab_is_eog(_starter.Vocab, token));
        Assert.True(NativeMethods.llama_vocab_is_control(_starter.Vocab, token));
        Assert.True(NativeMethods.llama_vocab_get_attr(_starter.Vocab, token).HasFlag(llama_token_attr.CONTROL));
        Assert.Equal("<|im_end|>", Marshal.PtrToStringUTF8((nint)NativeMethods.llama_vocab_get_text(_starter.Vocab, token)));
    }

    [Fact]
    public void MemoryHoldsWhatWasDecodedUntilItIsRemoved()
    {
        Assert.Equal(0, _starter.Decode(0, 0, 1, 2, 3, 4));
        Assert.Equal(3, NativeMethods.llama_memory_seq_pos_max(_starter.Memory, 0));

        Assert.True(NativeMethods.llama_memory_seq_rm(_starter.Memory, 0, 2, -1));
        Assert.Equal(1, NativeMethods.llama_memory_seq_pos_max(_starter.Memory, 0));

        NativeMethods.llama_memory_clear(_starter.Memory, data: false);
        Assert.Equal(-1, NativeMethods.llama_memory_seq_pos_max(_starter.Memory, 0));
    }

    [Fact]
    public void ASequencesStateMovesToAnother()
    {
        int[] tokens = _starter.Tokenize(CountToFive);
        Assert.Equal(0, _starter.Decode(0, 0, tokens.AsSpan(..^1)));
        byte[] state = new byte[NativeMethods.llama_state_seq_get_size(_starter.Context, 0)];
        Assert.Equal((nuint)state.Length, NativeMethods.llama_state_seq_get_data(_starter.Context, state, (nuint)state.Length, 0));
        Assert.NotEqual(0u, NativeMethods.llama_state_seq_set_data(_starter.Context, state, (nuint)state.Length, 1));

        Assert.Equal(0, _starter.Decode(1, tokens.Length - 1, tokens[^1]));

        Assert.Equal("1", _starter.Piece(StarterModel.ArgMax(_starter.Logits(-1))));
    }

    [Fact]
    public void AMalformedBatchIsRefusedWithoutAThrow() => Assert.Equal(-1, _starter.Decode(0, 0, int.MaxValue));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void AStepIsGivenUpOnRequestAndAtItsDeadline(bool isRequested, bool isLate)
    {
        StepAbort abort = new();
        NativeMethods.llama_set_abort_callback(_starter.Context, StepAbort.Callback, abort.Data);
        Assert.Equal(0, _starter.Decode(0, 0, 1, 2, 3));
        NativeMethods.llama_memory_clear(_starter.Memory, data: true);
        long now = Stopwatch.GetTimestamp();
        abort.SetDeadline(isLate ? now - 1 : now + (60 * Stopwatch.Frequency));
        if (isRequested)
            abort.RequestNow();
        Assert.Equal(isRequested || isLate ? 2 : 0, _starter.Decode(0, 0, 1, 2, 3));
        Assert.Equal(isRequested, abort.Reset());
        Assert.False(abort.Reset());
        NativeMethods.llama_memory_clear(_starter.Memory, data: true);
        abort.SetDeadline(null);
        Assert.Equal(0, _starter.Decode(0, 0, 1, 2, 3));
        NativeMethods.llama_set_abort_callback(_starter.Context, null, null);
        GC.KeepAlive(abort);
    }

    [Fact]
    public void AnAbortedDecodeSaysSo()
    {
        NativeMethods.llama_set_abort_callback(_starter.Context, &Abort, null);
        Assert.Equal(2, _starter.Decode(0, 0, 1, 2, 3));
        NativeMethods.llama_set_abort_callback(_starter.Context, null, null);
        NativeMethods.llama_memory_clear(_starter.Memory, data: true);
        Assert.Equal(0, _starter.Decode(0, 0, 1, 2, 3));
    }

    [Fact]
    public void AThreadpoolOfOurOwnComputesTheSame()
    {
        NativeMethods.ggml_threadpool_params_init(out ggml_threadpool_params parameters, 2);
        Assert.Equal(2, parameters.n_threads);
        using ThreadpoolHandle? pool = ThreadpoolHandle.TryCreate(ref parameters);
        Assert.NotNull(pool);
        NativeMethods.llama_attach_threadpool(_starter.Context, pool, pool);
        NativeMethods.llama_set_n_threads(_starter.Context, 1, 2);

        string text = _starter.Generate(CountToFive);

        NativeMethods.llama_detach_threadpool(_starter.Context);
        Assert.Equal("1, 2, 3, 4, 5.", text);
        Assert.Equal(2, NativeMethods.llama_n_threads_batch(_starter.Context));
    }

    [Fact]
    public void AMetadataOverrideReplacesTheFilesValue()
    {
        llama_model_kv_override* overrides = stackalloc llama_model_kv_override[2];
        NativeMemory.Clear(overrides, (nuint)(2 * sizeof(llama_model_kv_override)));
        Span<byte> architecture = stackalloc byte[64];
        int length = NativeMethods.llama_model_meta_val_str(_starter.Model, "general.architecture", architecture, (nuint)architecture.Length);
        Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(architecture[..length])}.context_length", new Span<byte>(overrides[0].key, 127));
        overrides[0].tag = llama_model_kv_override_type.INT;
        overrides[0].val_i64 = 256;

        llama_model_params parameters = NativeMethods.llama_model_default_params();
        parameters.kv_overrides = overrides;
        using ModelHandle model = ModelHandle.Load(TestPaths.Starter, parameters);

        Assert.Equal(256, NativeMethods.llama_model_n_ctx_train(model));
    }

    [Fact]
    public void AMissingAdapterGivesAnInvalidHandle()
    {
        using AdapterHandle adapter = AdapterHandle.Load(_starter.Model, Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gguf"));
        Assert.True(adapter.IsInvalid);
    }

    [Fact]
    public void LoadingStopsWhereTheProgressCallbackSaysSo()
    {
        llama_model_params parameters = NativeMethods.llama_model_default_params();
        parameters.progress_callback = &StopLoading;
        using ModelHandle model = ModelHandle.Load(TestPaths.Starter, parameters);
        Assert.True(model.IsInvalid);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static byte Abort(void* data) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static byte StopLoading(float progress, void* data) => 0;

    private sealed class ClosingLogger(ModelHandle model) : ILogger
    {
        public bool HasClosed { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            model.Dispose();
            HasClosed = true;
        }
    }
}
