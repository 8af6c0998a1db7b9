using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>Damages models. What it does depends on the random numbers alone.</summary>
/// <param name="random">Where choices come from.</param>
/// <param name="others">Models to take pieces of.</param>
internal sealed partial class Mutator(Random random, IReadOnlyList<RawModel> others)
{
    /// <summary>Damages a copy of a model, mostly in one place.</summary>
    public byte[] Mutate(RawModel model)
    {
        RawModel copy = model.Clone();
        int count = random.Next(4) == 0 ? random.Next(2, 5) : 1;
        bool damagesBytes = random.Next(12) == 0;
        for (int i = 0; i < count && !damagesBytes; i++)
            MutateStructure(copy);

        byte[] bytes = copy.ToBytes();
        return damagesBytes ? MutateBytes(bytes) : bytes;
    }

    private void MutateStructure(RawModel model)
    {
        switch (random.Next(20))
        {
            case < 5:
                ChangeHyperparameter(model);
                break;
            case < 7:
                AddHyperparameter(model);
                break;
            case < 12:
                MutateTokenizer(model);
                break;
            case < 14:
                MutateTensor(model);
                break;
            case 14:
                ScaleDimension(model);
                break;
            case 15:
                ChangeKey(model);
                break;
            case 16:
                ChangeArchitecture(model);
                break;
            case 17:
                DamageData(model);
                break;
            case 18:
                Splice(model);
                break;
            default:
                ChangeLayout(model);
                break;
        }
    }

    private void ChangeHyperparameter(RawModel model)
    {
        string prefix = model.Architecture + ".";
        RawKey[] keys = [.. model.Keys.Where(key => key.NameText.StartsWith(prefix, StringComparison.Ordinal))];
        if (keys.Length == 0)
            return;
        RawKey key = Pick(keys);
        if (key.IsArray && random.Next(3) == 0)
            ChangeLength(key);
        else if (key.IsNumber || key.IsArray)
            ChangeNumber(key);
        else
            key.Data = Garbage(24);
    }

    private void AddHyperparameter(RawModel model)
    {
        string name = $"{model.Architecture}.{Pick(Names.Hyperparameters)}";
        uint layers = model.Find(model.Architecture + ".block_count") is { Data.Length: 4 } count ? Math.Min(BitConverter.ToUInt32(count.Data), 600) : 2;
        model.Set(random.Next(7) switch
        {
            0 => RawKey.Of(name, Enumerable.Range(0, (int)layers).Select(_ => (uint)InterestingInteger(2))),
            1 => RawKey.Of(name, (float)InterestingNumber(1)),
            2 => RawKey.Of(name, random.Next(2) == 0),
            3 => RawKey.Of(name, Pick((string[])["none", "linear", "yarn", "longrope", "sdpa", ""])),
            _ => RawKey.Of(name, (uint)InterestingInteger(4)),
        });
    }

    private void ChangeKey(RawModel model)
    {
        RawKey key = Pick(model.Keys);
        switch (random.Next(6))
        {
            case 0:
                model.Keys.Remove(key);
                break;
            case 1:
                model.Keys.Insert(random.Next(model.Keys.Count), key.Clone());
                break;
            case 2:
                key.Type = (uint)random.Next(15);
                break;
            case 3:
                key.ElementType = (uint)random.Next(15);
                break;
            case 4:
                key.CountError = InterestingInteger(1);
                break;
            default:
                key.Name = Pick(model.Keys).Name;
                break;
        }
    }

    private void ChangeArchitecture(RawModel model)
    {
        string old = model.Architecture + ".";
        string architecture = Pick(ModelGrower.Architectures);
        foreach (RawKey key in model.Keys.Where(key => key.NameText.StartsWith(old, StringComparison.Ordinal)))
            key.Name = Encoding.UTF8.GetBytes(architecture + key.NameText[(old.Length - 1)..]);
        model.Set(RawKey.Of("general.architecture", architecture));
    }

    /// <summary>Puts another number for one in all shapes and hyperparameters at once, so that they still agree.</summary>
    private void ScaleDimension(RawModel model)
    {
        RawTensor[] tensors = [.. model.Tensors.Where(tensor => tensor.Dimensions.Length > 0)];
        if (tensors.Length == 0)
            return;
        ulong old = Pick(Pick(tensors).Dimensions);
        ulong next = random.Next(3) switch
        {
            0 => old * 2,
            1 => Math.Max(1, old / 2),
            _ => (ulong)Math.Max(1, (long)old + random.Next(-3, 4)),
        };
        if (next > 4096)
            return;
        foreach (RawTensor tensor in model.Tensors)
            tensor.Dimensions = [.. tensor.Dimensions.Select(dimension => dimension == old ? next : dimension)];
        string prefix = model.Architecture + ".";
        foreach (RawKey key in model.Keys.Where(key => key.Type == (uint)GgufValueType.UInt32 && key.NameText.StartsWith(prefix, StringComparison.Ordinal)))
        {
            if (BitConverter.ToUInt32(key.Data) == old)
                key.Data = BitConverter.GetBytes((uint)next);
        }
    }

    private void Splice(RawModel model)
    {
        RawModel other = Pick(others);
        string prefix = random.Next(2) == 0 ? "tokenizer." : other.Architecture + ".";
        if (random.Next(4) == 0 && other.Tensors.Count > 0)
        {
            RawTensor tensor = Pick(other.Tensors).Clone();
            model.Tensors.RemoveAll(mine => mine.Name.AsSpan().SequenceEqual(tensor.Name));
            model.Tensors.Add(tensor);
            return;
        }

        model.Keys.RemoveAll(key => key.NameText.StartsWith(prefix, StringComparison.Ordinal));
        model.Keys.AddRange(other.Keys.Where(key => key.NameText.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key.Clone()));
    }

    private void ChangeLayout(RawModel model)
    {
        switch (random.Next(5))
        {
            case 0:
                model.Version = (uint)InterestingInteger(3);
                break;
            case 1:
                model.CountErrors = (InterestingInteger(1), 0);
                break;
            case 2:
                model.CountErrors = (0, InterestingInteger(1));
                break;
            case 3:
                model.Set(RawKey.Of("general.alignment", random.Next(2) == 0 ? 1u << random.Next(13) : (uint)InterestingInteger(32)));
                break;
            default:
                string name = Pick((string[])["split.count", "split.no", "split.tensors.count"]);
                model.Set(new RawKey { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.UInt16, Data = BitConverter.GetBytes((ushort)random.Next(4)) });
                break;
        }
    }

    private byte[] MutateBytes(byte[] bytes)
    {
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            int position = random.Next(Math.Min(bytes.Length, 16_384) - 8);
            switch (random.Next(5))
            {
                case 0:
                    bytes[position] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    random.NextBytes(bytes.AsSpan(position, random.Next(1, 8)));
                    break;
                case 2:
                    BitConverter.TryWriteBytes(bytes.AsSpan(position), InterestingInteger(1));
                    break;
                case 3:
                    bytes.AsSpan(position + 1).CopyTo(bytes.AsSpan(position));
                    break;
                default:
                    return bytes[..random.Next(bytes.Length)];
            }
        }

        return bytes;
    }
}
