namespace EmbeddedLlm.Gguf;

/// <content>Feed-forward networks, dense and of experts.</content>
internal sealed partial class ComputeGraph
{
    // llama.cpp uses no more for one token.
    private const int MostExperts = 512;

    private bool HasFeedForward(int layer) => _tensors.Has(layer, "ffn_up") || HasExperts(layer);

    private bool HasExperts(int layer) => _tensors.Has(layer, "ffn_gate_inp");

    private int AddFeedForward(int layer, int norm, Int128 tokens)
    {
        if (!HasExperts(layer))
            return AddDense(layer, norm, tokens, "ffn_gate", "ffn_up", "ffn_down");
        int experts = AddExperts(layer, norm, tokens);
        if (!_tensors.Has(layer, "ffn_up_shexp"))
            return experts;
        int shared = AddDense(layer, norm, tokens, "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp");
        return _tape.Overwrite(tokens * _width * Float, experts, shared);
    }

    private int AddDense(int layer, int norm, Int128 tokens, string gateName, string upName, string downName)
    {
        long hidden = _tensors.Columns(layer, downName);
        int activated;
        if (_tensors.Has(layer, gateName))
        {
            int gate = _tape.Compute(tokens * hidden * Float, norm);
            int up = _tape.Compute(tokens * hidden * Float, norm);
            activated = _tape.Compute(tokens * hidden * Float, gate, up);
        }
        else
        {
            // Twice the rows are a gate and what it lets through.
            long rows = _tensors.Rows(layer, upName);
            int up = _tape.Compute(tokens * rows * Float, norm);
            activated = _tape.Overwrite(tokens * hidden * Float, up);
        }

        return _tape.Compute(tokens * _width * Float, activated);
    }

    private int AddExperts(int layer, int norm, Int128 tokens)
    {
        long experts = _info.ExpertCount;
        long used = _info.ExpertUsedCount;
        long hidden = _tensors.Columns(layer, "ffn_down_exps");
        int scores = _tape.Compute(tokens * experts * Float, norm);
        int probabilities = _tape.Overwrite(tokens * experts * Float, scores);
        int sorted = _tape.Compute(tokens * experts * sizeof(int), probabilities);
        int chosen = _tape.View(sorted);
        int weights = _tape.Compute(tokens * used * Float, probabilities, chosen);

        int activated;
        if (_tensors.Has(layer, "ffn_gate_up_exps"))
        {
            int joint = _tape.Compute(tokens * used * hidden * 2 * Float, norm, chosen);
            activated = _tape.Compute(tokens * used * hidden * Float, _tape.View(joint), _tape.View(joint));
        }
        else if (_tensors.Has(layer, "ffn_gate_exps"))
        {
            int gate = _tape.Compute(tokens * used * hidden * Float, norm, chosen);
            int up = _tape.Compute(tokens * used * hidden * Float, norm, chosen);
            activated = _tape.Compute(tokens * used * hidden * Float, gate, up);
        }
        else
        {
            activated = _tape.Overwrite(tokens * used * hidden * Float, _tape.Compute(tokens * used * hidden * Float, norm, chosen));
        }

        int results = _tape.Compute(tokens * used * _width * Float, activated, chosen);
        results = _tape.Overwrite(tokens * used * _width * Float, results, weights);
        int sum = _tape.View(results);
        for (int i = 1; i < Math.Min(used, MostExperts); i++)
            sum = _tape.Overwrite(tokens * _width * Float, sum, _tape.View(results));
        return used > 1 ? sum : _tape.Compute(tokens * _width * Float, sum);
    }
}
