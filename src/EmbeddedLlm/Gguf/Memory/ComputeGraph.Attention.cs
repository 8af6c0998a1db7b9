namespace EmbeddedLlm.Gguf;

/// <content>Attention.</content>
internal sealed partial class ComputeGraph
{
    /// <summary>The rows of the smallest matrix that keys and values are rotated with before they are quantised.</summary>
    private const int SmallestRotation = 64;

    private int AddAttention(int layer, int norm)
    {
        Int128 heads = Math.Max(1, _info.HeadCounts[layer]);
        Int128 kvHeads = Math.Max(1, _info.KvHeadCounts[layer]);
        (int query, int key, int value) = AddProjections(layer, norm, heads, kvHeads);
        _tape.Store(key, _keyIndices);
        _tape.Store(value, _valueIndices);

        int result = AddAttentionOf(query, heads, kvHeads, _info.ValueLength, MaskOf(layer));
        if (_valueRotation != TensorTape.Elsewhere)
            result = _tape.Compute(_tokens * heads * _info.ValueLength * Float, _valueRotation, result);
        return _tape.Compute(_tokens * _width * Float, result);
    }

    /// <summary>The result, [value elements × heads × tokens], from queries and what lies in the cache.</summary>
    private int AddAttentionOf(int query, Int128 heads, Int128 kvHeads, long valueElements, int mask)
    {
        Int128 result = _tokens * heads * valueElements * Float;
        if (_settings.FlashAttention)
            return _tape.Compute(result, query, AddHalves(_settings.KeyType, kvHeads * _info.KeyLength), AddHalves(_settings.ValueType, kvHeads * valueElements), mask);
        Int128 products = _tokens * heads * _settings.Cells * Float;
        int scores = _tape.Compute(products, query);
        int weights = _tape.Overwrite(products, scores, mask);
        int sums = _tape.Compute(result, weights);
        return _tape.Compute(result, sums);
    }

    /// <summary>The fused operation knows no 32-bit numbers: all of the cache becomes 16-bit ones for it.</summary>
    private int AddHalves(GgmlType type, Int128 elements) => type == GgmlType.F32 ? _tape.Compute(elements * _settings.Cells * sizeof(ushort)) : TensorTape.Elsewhere;

    /// <summary>Queries, values and keys, each rotated where it has to be before the next is computed.</summary>
    private (int Query, int Key, int Value) AddProjections(int layer, int norm, Int128 heads, Int128 kvHeads)
    {
        Int128 queryBytes = _tokens * heads * _info.KeyLength * Float;
        Int128 keyBytes = _tokens * kvHeads * _info.KeyLength * Float;
        Int128 valueBytes = _tokens * kvHeads * _info.ValueLength * Float;
        int query, key, value;
        if (_tensors.Rows(layer, "attn_qkv") is > 0 and long all)
        {
            int joint = _tape.Compute(_tokens * all * Float, norm);
            int valueView = _tape.View(joint);
            query = Rotated(_tape.Compute(queryBytes, _tape.View(joint)), queryBytes, _keyRotation);
            value = Rotated(valueView, valueBytes, _valueRotation);
            key = Rotated(_tape.Compute(keyBytes, _tape.View(joint)), keyBytes, _keyRotation);
            return (query, key, value);
        }

        query = Rotated(_tape.Compute(_tokens * _tensors.Rows(layer, "attn_q") * Float, norm), queryBytes, _keyRotation);
        // A layer without keys of its own reads those of another.
        value = _tensors.Has(layer, "attn_v") ? Rotated(_tape.Compute(_tokens * _tensors.Rows(layer, "attn_v") * Float, norm), valueBytes, _valueRotation) : TensorTape.Elsewhere;
        key = _tensors.Has(layer, "attn_k") ? Rotated(_tape.Compute(_tokens * _tensors.Rows(layer, "attn_k") * Float, norm), keyBytes, _keyRotation) : TensorTape.Elsewhere;
        return (query, key, value);

        int Rotated(int tensor, Int128 bytes, int rotation) => rotation == TensorTape.Elsewhere ? tensor : _tape.Compute(bytes, rotation, tensor);
    }

    /// <summary>Multi-head latent attention as DeepSeek has it: all heads look at one compressed row for each token.</summary>
    private int AddLatentAttention(int layer, int norm)
    {
        long heads = _info.HeadCounts[layer];
        long compressed = _tensors.Columns(layer, _info.HasLatentAttention ? "attn_v_b" : "attn_kv_b");
        long rotary = _tensors.Rows(layer, "attn_kv_a_mqa") - compressed;
        bool isLite = _tensors.Has(layer, "attn_q");
        long queryElements = _tensors.Rows(layer, isLite ? "attn_q" : "attn_q_b");
        int query = AddQuery();
        int both = _tape.Compute(_tokens * (compressed + rotary) * Float, norm);
        if (!_info.HasLatentAttention)
            return AddExpandedAttention(layer, query, queryElements, both, compressed, rotary);

        int unrotated = _tape.Compute(_tokens * heads * compressed * Float, _tape.View(query));
        int rotated = _tape.Compute(_tokens * heads * rotary * Float, _tape.View(query));
        int joint = _tape.Compute(_tokens * heads * (compressed + rotary) * Float, _tape.View(unrotated), rotated);
        int latent = _tape.Compute(_tokens * compressed * Float, _tape.View(both));
        int keyPosition = _tape.Compute(_tokens * rotary * Float, _tape.View(both));
        int key = _tape.Compute(_tokens * (compressed + rotary) * Float, latent, keyPosition);
        if (_keyRotation != TensorTape.Elsewhere)
        {
            joint = _tape.Compute(_tokens * heads * (compressed + rotary) * Float, _keyRotation, joint);
            key = _tape.Compute(_tokens * (compressed + rotary) * Float, _keyRotation, key);
        }

        _tape.Store(key, _keyIndices);
        return AddUncompressed();

        int AddQuery()
        {
            if (isLite)
                return _tape.Compute(_tokens * queryElements * Float, norm);
            int small = _tape.Compute(_tokens * _tensors.Rows(layer, "attn_q_a") * Float, norm);
            return _tape.Compute(_tokens * queryElements * Float, small);
        }

        int AddUncompressed()
        {
            long valueElements = _tensors.Rows(layer, "attn_v_b");
            Int128 result = _tokens * heads * valueElements * Float;
            int attended;
            if (_settings.FlashAttention)
            {
                attended = _tape.Compute(
                    _tokens * heads * compressed * Float, joint, AddHalves(_settings.KeyType, compressed + rotary), AddHalves(_settings.KeyType, compressed), _masks[0]);
            }
            else
            {
                Int128 products = _tokens * heads * _settings.Cells * Float;
                int weights = _tape.Overwrite(products, _tape.Compute(products, joint), _masks[0]);
                // The values are a part of the keys, which has to be transposed first.
                int transposed = _tape.Compute((Int128)_settings.Cells * compressed * GgmlTypes.BlockBytes(_settings.KeyType) / GgmlTypes.BlockElements(_settings.KeyType));
                attended = _tape.Compute(_tokens * heads * compressed * Float, transposed, weights);
            }

            int values = _tape.Compute(result, _tape.View(attended));
            return _tape.Compute(_tokens * _width * Float, _tape.Compute(result, _tape.View(values)));
        }
    }

    /// <summary>The same with each head's keys and values made from the compressed rows before they are cached, as in older files.</summary>
    private int AddExpandedAttention(int layer, int query, long queryElements, int both, long compressed, long rotary)
    {
        long heads = _info.HeadCounts[layer];
        int keyPosition = _tape.Compute(_tokens * rotary * Float, _tape.View(both));
        int latent = _tape.Compute(_tokens * compressed * Float, _tape.View(both));
        int expanded = _tape.Compute(_tokens * _tensors.Rows(layer, "attn_kv_b") * Float, latent);
        int value = _tape.Compute(_tokens * heads * _info.ValueLength * Float, _tape.View(expanded));
        int repeated = _tape.Compute(_tokens * heads * rotary * Float, keyPosition);
        int key = _tape.Compute(_tokens * queryElements * Float, _tape.View(expanded), repeated);
        _tape.Store(key, _keyIndices);
        _tape.Store(value, _valueIndices);
        return _tape.Compute(_tokens * _width * Float, AddAttentionOf(query, heads, heads, _info.ValueLength, _masks[0]));
    }

    private int MaskOf(int layer) => _masks[_masks.Length == 1 ? 0 : layer % 2];

    private int RotationFor(GgmlType type, int length, int rows) =>
        GgmlTypes.IsQuantised(type) && length > 0 && length % SmallestRotation == 0 ? _tape.Input((long)rows * rows * Float) : TensorTape.Elsewhere;

    private static int LargestRotation(int length)
    {
        int rows = SmallestRotation;
        while (rows < length && length % (rows * 2) == 0)
            rows *= 2;
        return rows;
    }
}
