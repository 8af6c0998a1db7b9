using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <content>Damages to tensors.</content>
internal static partial class Sweep
{
    // Those that there are, and some that there are not.
    private static readonly uint[] AllTypes = [.. Enumerable.Range(0, 44).Select(value => (uint)value), uint.MaxValue];
    private static readonly uint[] FewTypes = [(uint)GgmlType.F16, (uint)GgmlType.Q8_0];

    /// <summary>Damages to each tensor: to the first of each role all, to those of further layers, which are used alike, fewer.</summary>
    public static IEnumerable<SweepStep> Tensors(RawModel model)
    {
        HashSet<string> roles = new(StringComparer.Ordinal);
        for (int i = 0; i < model.Tensors.Count; i++)
        {
            int index = i;
            RawTensor tensor = model.Tensors[i];
            string name = Encoding.UTF8.GetString(tensor.Name);
            bool isFirst = roles.Add($"{GgufTensorChecks.Role(name, out int layer, out bool isBias)} {layer >= 0} {isBias}");
            yield return Step("is missing", copy => copy.Tensors.RemoveAt(index));
            yield return Step("is there twice", copy => copy.Tensors.Add(tensor.Clone()));
            yield return Step("has the name of the first", copy => copy.Tensors[index].Name = copy.Tensors[0].Name);
            foreach (uint type in (isFirst ? AllTypes : FewTypes).Where(type => type != tensor.Type))
                yield return Step($"is of type {(GgmlType)type}", copy => copy.Tensors[index].Type = type);
            foreach (ulong offset in (ulong[])[0, 1, 32, 1UL << 31, 1UL << 40, long.MaxValue, ulong.MaxValue, ulong.MaxValue - 31])
                yield return Step($"lies at {offset}", copy => copy.Tensors[index].Offset = offset);
            foreach (ulong[] shape in ShapesFor(tensor.Dimensions))
                yield return Step($"has the shape {string.Join(" × ", shape)}", copy => copy.Tensors[index].Dimensions = shape);
            foreach ((string what, byte[] data) in isFirst ? WeightsFor(tensor) : [])
                yield return Step($"is {what} throughout", copy => copy.Tensors[index].Data = data);

            SweepStep Step(string what, Action<RawModel> damage) => Damage(model, $"the tensor '{name}' {what}", damage);
        }
    }

    /// <summary>Tensors that some architecture has and this model has not, in each of the shapes that the model's own have, and in those of a number for each head or for one rotated pair.</summary>
    public static IEnumerable<SweepStep> AbsentTensors(RawModel model)
    {
        List<ulong[]> shapes = [[1], [2], [4], [8], [16]];
        foreach (ulong[] shape in model.Tensors.Select(tensor => tensor.Dimensions).Where(shape => !shapes.Exists(other => other.AsSpan().SequenceEqual(shape))))
            shapes.Add(shape);
        foreach (string role in Names.Tensors.Select(name => name.Replace("*", "0", StringComparison.Ordinal)))
        {
            foreach (string name in ((string[])[role + ".weight", role + ".bias"]).Where(name => model.FindTensor(name) is null))
            {
                // A bias of another type is refused before anyone looks at its name.
                foreach (GgmlType type in name.EndsWith(".bias", StringComparison.Ordinal) ? [GgmlType.F32] : (GgmlType[])[GgmlType.F32, GgmlType.F16])
                {
                    foreach (ulong[] shape in shapes)
                    {
                        RawTensor tensor = new() { Name = Encoding.UTF8.GetBytes(name), Dimensions = shape, Type = (uint)type, Data = BitConverter.GetBytes(0.125f) };
                        yield return Damage(model, $"a tensor '{name}' of {type}, {string.Join(" × ", shape)}, which was not there", copy => copy.Tensors.Add(tensor.Clone()));
                    }
                }
            }
        }
    }

    private static IEnumerable<ulong[]> ShapesFor(ulong[] shape)
    {
        yield return [];
        yield return [.. shape, 2];
        yield return [.. shape, 1, 1, 1, 1];
        if (shape.Length == 0)
            yield break;
        yield return shape[..^1];
        yield return [.. shape.Reverse()];
        for (int i = 0; i < shape.Length; i++)
        {
            ulong old = shape[i];
            foreach (ulong other in ((ulong[])[0, 1, old - 1, old + 1, old * 2, old / 2, 1UL << 20, int.MaxValue, long.MaxValue, ulong.MaxValue]).Distinct().Where(other => other != old))
                yield return [.. shape[..i], other, .. shape[(i + 1)..]];
        }
    }

    // Numbers that are none reach comparisons, and those of tables reach indices.
    private static IEnumerable<(string What, byte[] Data)> WeightsFor(RawTensor tensor)
    {
        if (tensor.Type is not ((uint)GgmlType.F32 or (uint)GgmlType.I32))
        {
            yield return ("0xFF", Fill([0xFF]));
            yield break;
        }

        if (tensor.Type == (uint)GgmlType.I32)
        {
            foreach (int value in (int[])[-1, int.MaxValue, int.MinValue, 1 << 20])
                yield return ($"{value}", Fill(BitConverter.GetBytes(value)));
            yield break;
        }

        foreach (float value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue])
            yield return ($"{value}", Fill(BitConverter.GetBytes(value)));

        byte[] Fill(byte[] pattern) => [.. Enumerable.Repeat(pattern, tensor.Data.Length / pattern.Length).SelectMany(bytes => bytes)];
    }
}
