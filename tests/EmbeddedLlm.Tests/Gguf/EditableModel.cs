using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

/// <summary>A healthy tiny model whose keys and tensors a test changes one by one.</summary>
internal sealed class EditableModel
{
    private readonly List<(string Key, Action<GgufWriter, string> Add)> _keys = [];
    private readonly List<(string Name, GgmlType Type, long[] Dimensions)> _tensors = [];

    public EditableModel(SyntheticShape? shape = null, int tokens = 300)
        : this(Describe(shape ?? SyntheticShape.Tiny, tokens))
    {
    }

    public EditableModel(GgufFile file)
    {
        foreach ((string key, GgufValue value) in file.Metadata)
            _keys.Add((key, (writer, name) => writer.Add(name, value)));
        foreach (GgufTensorInfo tensor in file.Tensors)
            _tensors.Add((tensor.Name, tensor.Type, tensor.Dimensions.ToArray()));
    }

    public EditableModel Remove(string key)
    {
        _keys.RemoveAll(pair => pair.Key == key);
        return this;
    }

    /// <summary>Makes it a model of another architecture with the same hyperparameters.</summary>
    public EditableModel Rename(string architecture)
    {
        for (int i = 0; i < _keys.Count; i++)
        {
            if (_keys[i].Key.StartsWith("qwen2.", StringComparison.Ordinal))
                _keys[i] = (architecture + _keys[i].Key["qwen2".Length..], _keys[i].Add);
        }

        return Set("general.architecture", architecture);
    }

    public EditableModel Set(string key, string value) => Replace(key, (writer, name) => writer.Add(name, value));

    public EditableModel Set(string key, bool value) => Replace(key, (writer, name) => writer.Add(name, value));

    public EditableModel Set<T>(string key, T value)
        where T : unmanaged => Replace(key, (writer, name) => writer.Add(name, value));

    public EditableModel SetArray<T>(string key, params T[] values)
        where T : unmanaged => Replace(key, (writer, name) => writer.AddArray<T>(name, values));

    public EditableModel SetStrings(string key, params string[] values) => Replace(key, (writer, name) => writer.AddStrings(name, values));

    /// <summary>Puts a tokenizer of another kind in place of the model's own.</summary>
    public EditableModel SetTokenizer(string model, params string[] tokens)
    {
        _keys.RemoveAll(pair => pair.Key.StartsWith("tokenizer.", StringComparison.Ordinal));
        return Set("tokenizer.ggml.model", model).SetStrings("tokenizer.ggml.tokens", tokens);
    }

    public EditableModel SetTensor(string name, GgmlType type, params long[] dimensions)
    {
        int index = _tensors.FindIndex(tensor => tensor.Name == name);
        if (index < 0)
            _tensors.Add((name, type, dimensions));
        else
            _tensors[index] = (name, type, dimensions.Length == 0 ? _tensors[index].Dimensions : dimensions);

        return this;
    }

    public EditableModel RemoveTensor(string name)
    {
        _tensors.RemoveAll(tensor => tensor.Name == name);
        return this;
    }

    public EditableModel RemoveAllTensors()
    {
        _tensors.Clear();
        return this;
    }

    public GgufFile Build()
    {
        GgufWriter writer = new();
        foreach ((string key, Action<GgufWriter, string> add) in _keys)
            add(writer, key);
        foreach ((string name, GgmlType type, long[] dimensions) in _tensors)
            writer.AddTensor(name, type, dimensions, (_, destination) => destination.Clear());

        using MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream);
    }

    private EditableModel Replace(string key, Action<GgufWriter, string> add)
    {
        int index = _keys.FindIndex(pair => pair.Key == key);
        if (index < 0)
            _keys.Add((key, add));
        else
            _keys[index] = (key, add);

        return this;
    }

    private static GgufFile Describe(SyntheticShape shape, int tokens)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(shape, SyntheticVocabulary.ByteLevel(tokens)).Write(stream);
        stream.Position = 0;
        return GgufFile.Read(stream);
    }
}
