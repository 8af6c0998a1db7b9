using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>Numbers compared by their values and order. The array must not change.</summary>
internal readonly struct IntSequence(int[] items) : IEquatable<IntSequence>
{
    public int[] Items { get; } = items;

    public bool Equals(IntSequence other) => Items.AsSpan().SequenceEqual(other.Items);

    public override bool Equals(object? obj) => obj is IntSequence other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(MemoryMarshal.AsBytes(Items.AsSpan()));
        return hash.ToHashCode();
    }
}
