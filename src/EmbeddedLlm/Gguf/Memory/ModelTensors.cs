using System.Globalization;

namespace EmbeddedLlm.Gguf;

/// <summary>The tensors of a model by name, those of all its files.</summary>
internal sealed class ModelTensors
{
    private const string LayerPrefix = "blk.";

    private readonly Dictionary<string, GgufTensorInfo> _byName = new(StringComparer.Ordinal);
    private readonly int _layers;
    private readonly long[] _widestRows;
    private readonly long[] _amxGrowth;

    public ModelTensors(IReadOnlyList<GgufFile> parts, int layers)
    {
        _layers = layers;
        LayerBytes = new long[layers];
        ExpertBytes = new long[layers];
        _widestRows = new long[layers];
        _amxGrowth = new long[layers + 1];
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            _byName.TryAdd(tensor.Name, tensor);
            int layer = LayerOf(tensor.Name);
            AmxBreaks |= AmxLayout.IsBrokenBy(tensor);
            if (layer >= 0)
            {
                LayerBytes[layer] += tensor.ByteSize;
                _amxGrowth[layer] += GrowthOf(tensor);
                ExpertBytes[layer] += tensor.Name.Contains("_exps.", StringComparison.Ordinal) ? tensor.ByteSize : 0;
                _widestRows[layer] = Math.Max(_widestRows[layer], tensor.Dimensions.Length == 2 ? tensor.DimensionOrOne(1) : 0);
            }
            else if (tensor.Name.StartsWith("output", StringComparison.Ordinal) || tensor.Name == "token_embd_norm.weight")
            {
                OutputBytes += tensor.ByteSize;
                _amxGrowth[layers] += GrowthOf(tensor);
            }
            else
                InputBytes += tensor.ByteSize;
        }

        // A matrix that serves both ends is looked up as it is at one, and multiplied at the other.
        if (Find("output.weight") is null && Find("token_embd.weight") is { } both)
            _amxGrowth[layers] += AmxLayout.Measure(both);
    }

    /// <summary>The bytes of each layer's weights.</summary>
    public long[] LayerBytes { get; }

    /// <summary>The bytes of each layer's experts, of which a token needs some only.</summary>
    public long[] ExpertBytes { get; }

    /// <summary>The bytes of the weights after the last layer.</summary>
    public long OutputBytes { get; }

    /// <summary>The bytes of the weights before the first layer.</summary>
    public long InputBytes { get; }

    /// <summary>Whether there are tensors that come out wrong in <see cref="AmxLayout"/>.</summary>
    public bool AmxBreaks { get; }

    /// <summary>The bytes that <see cref="AmxLayout"/> adds to a layer or, last, to the output.</summary>
    public long AmxGrowth(int layer) => _amxGrowth[layer];

    public bool Has(int layer, string name) => _byName.ContainsKey(NameOf(layer, name));

    /// <summary>Whether a layer keeps a state in place of, or beside, keys and values.</summary>
    public bool HasState(int layer) => Has(layer, "ssm_in") || Has(layer, "ssm_conv1d") || Has(layer, "shortconv.in_proj");

    /// <summary>The elements that a layer's matrix gives, its rows; 0 where there is none.</summary>
    public long Rows(int layer, string name) => _byName.TryGetValue(NameOf(layer, name), out GgufTensorInfo? tensor) ? tensor.DimensionOrOne(1) : 0;

    /// <summary>The elements that a layer's matrix takes, its columns; 0 where there is none.</summary>
    public long Columns(int layer, string name) => _byName.TryGetValue(NameOf(layer, name), out GgufTensorInfo? tensor) ? tensor.DimensionOrOne(0) : 0;

    /// <summary>The most elements that any of a layer's matrices gives for a token.</summary>
    public long WidestRows(int layer) => _widestRows[layer];

    public GgufTensorInfo? Find(string name) => _byName.GetValueOrDefault(name);

    private static long GrowthOf(GgufTensorInfo tensor) => AmxLayout.Measure(tensor) is > 0 and long bytes ? bytes - tensor.ByteSize : 0;

    private static string NameOf(int layer, string name) => string.Create(CultureInfo.InvariantCulture, $"{LayerPrefix}{layer}.{name}.weight");

    private int LayerOf(string name)
    {
        if (!name.StartsWith(LayerPrefix, StringComparison.Ordinal))
            return -1;
        ReadOnlySpan<char> rest = name.AsSpan(LayerPrefix.Length);
        int end = rest.IndexOf('.');
        return end > 0 && int.TryParse(rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer < _layers ? layer : -1;
    }
}
