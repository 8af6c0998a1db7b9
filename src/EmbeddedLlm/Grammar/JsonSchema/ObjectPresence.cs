namespace EmbeddedLlm.Grammars;

/// <summary>Which keys an object may have together. Keys are labels of the object's <see cref="JsonKeys"/>; only named keys are counted one by one.</summary>
internal sealed record ObjectPresence
{
    /// <summary>The keys that must be there.</summary>
    public KeyChoice Required { get; init; } = KeyChoice.Empty;

    /// <summary>The keys that must not be there.</summary>
    public KeyChoice Forbidden { get; init; } = KeyChoice.Empty;

    /// <summary>Where the first is there, the second must be.</summary>
    public IReadOnlyList<(int If, int Then)> Dependents { get; init; } = [];

    public int Min { get; init; }

    public int? Max { get; init; }

    /// <summary>All that these keys make necessary, themselves included.</summary>
    public KeyChoice Closure(KeyChoice keys)
    {
        bool isGrowing = Dependents.Count > 0;
        while (isGrowing)
        {
            isGrowing = false;
            foreach ((int trigger, int needed) in Dependents)
            {
                if (keys.Contains(trigger) && !keys.Contains(needed))
                {
                    keys = keys.With(needed);
                    isGrowing = true;
                }
            }
        }

        return keys;
    }

    /// <summary>The largest set of keys out of these where none needs a key that is neither in it nor among those seen.</summary>
    public KeyChoice LargestConsistent(KeyChoice keys, KeyChoice seen)
    {
        bool isShrinking = Dependents.Count > 0;
        while (isShrinking)
        {
            isShrinking = false;
            foreach ((int trigger, int needed) in Dependents)
            {
                if (keys.Contains(trigger) && !keys.Contains(needed) && !seen.Contains(needed))
                {
                    keys = keys.Without(trigger);
                    isShrinking = true;
                }
            }
        }

        return keys;
    }
}
