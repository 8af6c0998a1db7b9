namespace EmbeddedLlm.Grammars;

/// <summary>A set of JSON values, as schemas and constants joined by and, or and not. One object per distinct formula of a compilation, so that recursion comes back to what is known.</summary>
internal abstract class Formula(int id)
{
    /// <summary>Every value.</summary>
    public static Formula Any { get; } = new Trivial(0);

    /// <summary>No value.</summary>
    public static Formula None { get; } = new Trivial(1);

    /// <summary>A number of its own among the compilation's formulas.</summary>
    public int Id { get; } = id;

    /// <summary>What it means, once that has been found out.</summary>
    public ValueSet? Values { get; set; }

    /// <summary>Whether some finite value is in the set, once that has been found out.</summary>
    public bool? IsInhabited { get; set; }

    private sealed class Trivial(int id) : Formula(id);
}

/// <summary>The instances of a schema.</summary>
internal sealed class SchemaFormula(int id, SchemaLocation location) : Formula(id)
{
    public SchemaLocation Location { get; } = location;
}

/// <summary>One value.</summary>
internal sealed class ConstantFormula(int id, JsonConstant constant) : Formula(id)
{
    public JsonConstant Constant { get; } = constant;
}

/// <summary>What is in all parts.</summary>
internal sealed class AndFormula(int id, Formula[] parts) : Formula(id)
{
    public Formula[] Parts { get; } = parts;
}

/// <summary>What is in any part.</summary>
internal sealed class OrFormula(int id, Formula[] parts) : Formula(id)
{
    public Formula[] Parts { get; } = parts;
}

/// <summary>What is not in a set.</summary>
internal sealed class NotFormula(int id, Formula inner) : Formula(id)
{
    public Formula Inner { get; } = inner;
}
