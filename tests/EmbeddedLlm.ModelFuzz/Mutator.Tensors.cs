using System.Globalization;
using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <content>Tensors: names, shapes, types, places, weights.</content>
internal sealed partial class Mutator
{
    private void MutateTensor(RawModel model)
    {
        if (model.Tensors.Count == 0)
            return;
        RawTensor tensor = Pick(model.Tensors);
        switch (random.Next(10))
        {
            case 0:
                model.Tensors.Remove(tensor);
                break;
            case 1:
                model.Tensors.Insert(random.Next(model.Tensors.Count), tensor.Clone());
                break;
            case < 4:
                // The types that there are, and some that there are not.
                tensor.Type = (uint)random.Next(45);
                break;
            case 4 or 5:
                ChangeShape(tensor);
                break;
            case 6:
                tensor.Offset = (ulong)InterestingInteger(4096);
                break;
            case 7:
                tensor.Name = random.Next(3) == 0 ? Garbage(80) : Pick(model.Tensors).Name;
                break;
            default:
                AddTensor(model);
                break;
        }
    }

    private void ChangeShape(RawTensor tensor)
    {
        ulong[] shape = tensor.Dimensions;
        switch (random.Next(5))
        {
            case 0:
                Array.Reverse(shape);
                break;
            case 1:
                tensor.Dimensions = [.. shape, (ulong)random.Next(1, 4)];
                break;
            case 2:
                tensor.Dimensions = shape.Length > 0 ? shape[..^1] : [1];
                break;
            default:
                if (shape.Length > 0)
                {
                    int index = random.Next(shape.Length);
                    shape[index] = (ulong)InterestingInteger((long)shape[index]);
                }

                break;
        }
    }

    // Named as one that some architecture has, shaped like one that this model has.
    private void AddTensor(RawModel model)
    {
        string name = Pick(Names.Tensors).Replace("*", random.Next(3).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal) + (random.Next(4) == 0 ? ".bias" : ".weight");
        RawTensor like = Pick(model.Tensors);
        model.Tensors.Add(new RawTensor
        {
            Name = Encoding.UTF8.GetBytes(name),
            Dimensions = [.. random.Next(3) == 0 && like.Dimensions.Length > 1 ? like.Dimensions[..1] : like.Dimensions],
            Type = random.Next(2) == 0 ? like.Type : (uint)GgmlType.F32,
            Data = like.Data,
        });
    }

    private void DamageData(RawModel model)
    {
        if (model.Tensors.Count == 0)
            return;
        RawTensor tensor = Pick(model.Tensors);
        byte[] data = [.. tensor.Data];
        for (int count = random.Next(1, 64); count > 0 && data.Length >= 4; count--)
        {
            int position = random.Next(data.Length - 3);
            if (random.Next(3) == 0)
                BitConverter.TryWriteBytes(data.AsSpan(position & ~3, 4), random.Next(2) == 0 ? float.NaN : float.PositiveInfinity);
            else
                data[position] = (byte)random.Next(256);
        }

        if (random.Next(4) == 0)
            random.NextBytes(data);
        tensor.Data = data;
    }
}
