using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>A preset and a mix, named as <c>synthetic:SHAPE</c> or <c>synthetic:SHAPE:MIX</c>.</summary>
internal sealed record SyntheticChoice(SyntheticPreset Preset, SyntheticMix Mix = SyntheticMix.Q4_K_M)
{
    /// <summary>What such names begin with.</summary>
    public const string Prefix = "synthetic:";

    /// <summary>What is written.</summary>
    public SyntheticShape Shape => Preset.Shape with { Mix = Mix };

    /// <summary>The mix as it stands in names.</summary>
    public string MixName => NameOf(Mix);

    /// <summary>Reads a name.</summary>
    /// <param name="name">Any name.</param>
    /// <param name="choice">What it names.</param>
    /// <param name="fault">Why it names nothing, with all that could be named.</param>
    /// <returns>Whether the name is a right one.</returns>
    public static bool TryParse(string name, [NotNullWhen(true)] out SyntheticChoice? choice, [NotNullWhen(false)] out string? fault)
    {
        (choice, fault) = (null, null);
        string[] parts = name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? name[Prefix.Length..].Split(':') : [];
        if (parts.Length is not (1 or 2))
            fault = $"'{name}' is not of the form {Prefix}SHAPE or {Prefix}SHAPE:MIX.";
        else if (SyntheticPreset.Find(parts[0]) is not { } preset)
            fault = $"There is no shape '{parts[0]}' for '{name}'.";
        else if (parts.Length == 1)
            choice = new SyntheticChoice(preset);
        else if (FindMix(parts[1]) is { } mix)
            choice = new SyntheticChoice(preset, mix);
        else
            fault = $"There is no mix '{parts[1]}' for '{name}'.";

        fault = fault is null ? null : $"{fault} {Known}";
        return choice is not null;
    }

    /// <summary>The mixes as they stand in names.</summary>
    public static IReadOnlyList<string> MixNames { get; } = [.. Enum.GetValues<SyntheticMix>().Select(NameOf)];

    /// <summary>All that can be named, as a sentence or two.</summary>
    public static string Known { get; } =
        $"Shapes are {string.Join(", ", SyntheticPreset.All.Select(preset => preset.Name))}; mixes are {string.Join(", ", MixNames)}, and without one {NameOf(SyntheticMix.Q4_K_M)}.";

    /// <summary>The name.</summary>
    public override string ToString() => Mix == SyntheticMix.Q4_K_M ? Prefix + Preset.Name : $"{Prefix}{Preset.Name}:{MixName}";

    private static string NameOf(SyntheticMix mix) => mix.ToString().ToLowerInvariant();

    // Not Enum.TryParse, which takes numbers too.
    private static SyntheticMix? FindMix(string name)
    {
        foreach (SyntheticMix mix in Enum.GetValues<SyntheticMix>())
        {
            if (NameOf(mix).Equals(name, StringComparison.OrdinalIgnoreCase))
                return mix;
        }

        return null;
    }
}
