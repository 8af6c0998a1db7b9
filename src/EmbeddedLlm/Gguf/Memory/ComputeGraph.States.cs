namespace EmbeddedLlm.Gguf;

/// <content>Recurrent layers.</content>
internal sealed partial class ComputeGraph
{
    /// <summary>A layer of Mamba or Mamba 2: a convolution over a few tokens, then a scan that carries each sequence's state on.</summary>
    private int AddStateSpace(int layer, int norm)
    {
        long kernel = _tensors.Columns(layer, "ssm_conv1d");
        long channels = _tensors.Rows(layer, "ssm_conv1d");
        long inner = _tensors.Columns(layer, "ssm_out");
        if (!_tensors.Has(layer, "ssm_in") || channels == 0 || inner == 0)
            return AddUnknownMixing(layer, norm);
        Int128 sequences = _settings.Sequences;

        int past = _tape.Compute(sequences * (kernel - 1) * channels * Float, _tape.View(_stateCopies));
        int joint = _tape.Compute(_tokens * _tensors.Rows(layer, "ssm_in") * Float, norm);
        int convolved = AddConvolution(past, _tape.View(joint), kernel, channels);
        long steps = _tensors.Has(layer, "ssm_dt") ? inner : Math.Max(1, _tensors.Find(LayerName(layer, "ssm_dt.bias"))?.ElementCount ?? 0);
        int step = _tape.Compute(_tokens * steps * Float, _tape.View(joint));
        long stateElements = _info.StateSpaceElements;
        int scanned = _tape.Compute(((_tokens * inner) + (sequences * stateElements)) * Float, _tape.View(convolved), step, _tape.View(convolved), _tape.View(_stateCopies));
        _tape.Store(_tape.View(scanned));
        int gate = _tape.Compute(_tokens * inner * Float, _tape.View(joint));
        int direct = _tape.Compute(_tokens * inner * Float, _tape.View(convolved));
        int sum = _tape.Overwrite(_tokens * inner * Float, _tape.View(scanned), direct);
        int gated = _tape.Compute(_tokens * inner * Float, gate, sum);
        return _tape.Compute(_tokens * _width * Float, gated);
    }

    /// <summary>A layer of LFM2: a gated convolution over a few tokens.</summary>
    private int AddShortConvolution(int layer, int norm)
    {
        long kernel = _tensors.Columns(layer, "shortconv.conv");
        long channels = _tensors.Rows(layer, "shortconv.conv");
        int past = _tape.Compute((Int128)_settings.Sequences * (kernel - 1) * channels * Float, _tape.View(_stateCopies));
        int joint = _tape.Compute(_tokens * 3 * channels * Float, norm);
        int product = _tape.Compute(_tokens * channels * Float, _tape.View(joint), _tape.View(joint));
        int convolved = AddConvolution(past, _tape.View(product), kernel, channels);
        int gated = _tape.Overwrite(_tokens * channels * Float, convolved, _tape.View(joint));
        return _tape.Compute(_tokens * _width * Float, gated);
    }

    private int AddConvolution(int past, int current, long kernel, long channels)
    {
        Int128 window = (_tokens + ((Int128)_settings.Sequences * (kernel - 1))) * channels * Float;
        int joined = _tape.Compute(window, past, current);
        _tape.Store(_tape.View(joined));
        return _tape.Compute(_tokens * channels * Float, joined);
    }

    private static string LayerName(int layer, string name) => $"blk.{layer}.{name}";
}
