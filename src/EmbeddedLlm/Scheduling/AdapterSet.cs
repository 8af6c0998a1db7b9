namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Which of the decoder's adapters a sequence is computed with, and how strongly. Immutable, and equal to every other with the same adapters and scales: what was computed with one set is of use to
/// sequences of an equal one only.
/// </summary>
internal sealed class AdapterSet : IEquatable<AdapterSet>
{
    private readonly ScaledAdapter[] _adapters;
    private readonly int _hash;

    private AdapterSet(ScaledAdapter[] adapters)
    {
        _adapters = adapters;
        HashCode hash = default;
        foreach (ScaledAdapter adapter in adapters)
            hash.Add(adapter);
        _hash = hash.ToHashCode();
    }

    /// <summary>The model as it is.</summary>
    public static AdapterSet None { get; } = new([]);

    /// <summary>The adapters by their index, ascending; none has scale 0.</summary>
    public ReadOnlySpan<ScaledAdapter> Adapters => _adapters;

    /// <param name="adapters">Each adapter once at most, in any order. One with scale 0 adds nothing and is left out, so that the model as it is always is the same set.</param>
    public static AdapterSet Of(params IEnumerable<ScaledAdapter> adapters)
    {
        ScaledAdapter[] used = [.. adapters.Where(adapter => adapter.Scale != 0).OrderBy(adapter => adapter.Index)];
        return used.Length == 0 ? None : new AdapterSet(used);
    }

    public bool Equals(AdapterSet? other) => ReferenceEquals(this, other) || (other is not null && _hash == other._hash && _adapters.AsSpan().SequenceEqual(other._adapters));

    public override bool Equals(object? obj) => Equals(obj as AdapterSet);

    public override int GetHashCode() => _hash;

    public override string ToString() => _adapters.Length == 0 ? "none" : string.Join(" + ", _adapters);
}

/// <summary>An adapter that takes part.</summary>
/// <param name="Index">Which of the decoder's adapters, from 0.</param>
/// <param name="Scale">What its part is multiplied with; finite.</param>
internal readonly record struct ScaledAdapter(int Index, float Scale);
