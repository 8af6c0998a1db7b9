using System.Collections.Frozen;
using System.Numerics;
using System.Text.Json;

namespace EmbeddedLlm.Templates;

/// <summary>
/// A value of a template, with the semantics of the Python type of the same kind. Values are immutable once they are
/// handed to a template (namespaces and loops, which templates make themselves, are not), so one value may be used by
/// any number of renderings at once.
/// </summary>
internal abstract class TemplateValue
{
    public static TemplateValue None => TemplateNone.Instance;

    public static TemplateValue True => TemplateBoolean.TrueInstance;

    public static TemplateValue False => TemplateBoolean.FalseInstance;

    /// <summary>The empty string, written by the template.</summary>
    public static TemplateValue Empty => TemplateString.Empty;

    /// <summary>The type's name in Python, for error messages.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's <c>bool(value)</c>.</summary>
    public virtual bool IsTrue => true;

    /// <summary>What the value weighs against <see cref="TemplateLimits.ValueSize"/>: itself and all that it holds.</summary>
    public virtual long Size => 1;

    /// <summary>What is gone through by looking at all of the value, but into none that it holds: the characters of a text, the items of a list.</summary>
    public virtual long Extent => Size;

    /// <summary>How many levels of values are below this one.</summary>
    public virtual int Depth => 0;

    /// <summary>Python's <c>len(value)</c>, or null for a value that has none.</summary>
    public virtual int? Count => null;

    /// <summary>Whether the value may be the key of a mapping.</summary>
    public virtual bool IsHashable => true;

    /// <summary>The methods of the type.</summary>
    public virtual FrozenDictionary<string, Builtin> Methods => FrozenDictionary<string, Builtin>.Empty;

    public virtual bool IsCallable => false;

    /// <summary>Text that the caller of the library wrote.</summary>
    public static TemplateValue FromCaller(string? text) => text is null ? None : new TemplateString(text, PromptPartKind.Caller);

    /// <summary>Text that may hold special tokens: the host's own role names, the model's BOS and EOS tokens.</summary>
    public static TemplateValue FromTemplate(string? text) => text is null ? None : TemplateString.FromTemplate(text);

    public static TemplateValue From(bool value) => value ? True : False;

    public static TemplateValue From(long value) => TemplateInteger.Create(value);

    public static TemplateValue From(BigInteger value) => TemplateInteger.Create(value);

    public static TemplateValue From(double value) => new TemplateFloat(value);

    /// <summary>JSON as Python reads it: objects become mappings, numbers with a point or an exponent floats.</summary>
    /// <param name="element">The JSON.</param>
    /// <param name="kind">Who wrote its texts; keys and values alike.</param>
    /// <exception cref="ArgumentException">
    /// It nests deeper than <see cref="TemplateLimits.ValueDepth"/>, or holds an integer of more than <see cref="TemplateInteger.MostDigits"/> digits.
    /// </exception>
    public static TemplateValue FromJson(JsonElement element, PromptPartKind kind = PromptPartKind.Caller) => TemplateJson.Read(element, kind);

    /// <summary>Starts an iteration, or returns null for a value that cannot be iterated.</summary>
    public virtual IEnumerator<TemplateValue>? Enumerate(Rendering rendering) => null;

    /// <summary>Python's <c>value[key]</c>, or null where that raises <c>TypeError</c> or <c>LookupError</c>.</summary>
    public virtual TemplateValue? GetItem(Rendering rendering, TemplateValue key) => null;

    /// <summary>An attribute other than a method, or null.</summary>
    public virtual TemplateValue? GetAttribute(Rendering rendering, string name) => null;

    /// <summary>Whether the sandbox hides this method because it would change the value.</summary>
    public virtual bool IsForbidden(string method) => false;

    public virtual TemplateValue Call(Rendering rendering, Arguments arguments) => throw new TemplateFault($"'{TypeName}' object is not callable");

    public virtual bool IsEqualTo(TemplateValue other) => ReferenceEquals(this, other);

    /// <summary>A hash that agrees with <see cref="IsEqualTo"/>.</summary>
    public virtual int GetValueHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    /// <summary>Python's <c>repr(value)</c>.</summary>
    public abstract void WriteRepr(ReprWriter writer);

    /// <summary>Python's <c>str(value)</c>.</summary>
    public virtual void WriteText(Rendering rendering, MarkedTextBuilder output)
    {
        ReprWriter writer = new(rendering);
        WriteRepr(writer);
        writer.CopyTo(output);
    }

    /// <summary>Python's <c>str(value)</c> as a value.</summary>
    public TemplateString ToText(Rendering rendering)
    {
        if (this is TemplateString text)
            return text;

        MarkedTextBuilder builder = new(rendering.Limits.ValueSize, capacity: 32);
        WriteText(rendering, builder);
        return builder.ToTemplateString();
    }

    public override string ToString()
    {
        ReprWriter writer = new(Rendering.ForDebugging);
        WriteRepr(writer);
        return writer.ToString();
    }
}

/// <summary>Python's <c>None</c>.</summary>
internal sealed class TemplateNone : TemplateValue
{
    private TemplateNone()
    {
    }

    public static TemplateNone Instance { get; } = new();

    public override string TypeName => "NoneType";

    public override bool IsTrue => false;

    public override void WriteRepr(ReprWriter writer) => writer.Write("None");

    public override void WriteText(Rendering rendering, MarkedTextBuilder output) => output.Append("None", PromptPartKind.Template);
}

/// <summary>A name, item or attribute that does not exist. It prints as nothing, and most uses of it are errors that say what was missing.</summary>
internal sealed class TemplateUndefined(Func<string> describe) : TemplateValue
{
    /// <summary>What was missing.</summary>
    public string Description => describe();

    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    public override int? Count => 0;

    public static TemplateUndefined Named(string name) => new(() => $"'{name}' is undefined");

    public static TemplateUndefined Because(string reason) => new(() => reason);

    public static TemplateUndefined Missing(TemplateValue owner, TemplateValue key) => new(() =>
    {
        string type = owner is TemplateNone ? "None" : $"{owner.TypeName} object";
        return key is TemplateString name ? $"'{type}' has no attribute '{name.Text}'" : $"{type} has no element {key}";
    });

    public static TemplateUndefined Unsafe(TemplateValue owner, string name) =>
        new(() => $"access to attribute '{name}' of '{owner.TypeName}' object is unsafe.");

    public TemplateFault Fault() => new(Description);

    public override IEnumerator<TemplateValue> Enumerate(Rendering rendering) => Enumerable.Empty<TemplateValue>().GetEnumerator();

    public override TemplateValue GetItem(Rendering rendering, TemplateValue key) => throw Fault();

    public override TemplateValue Call(Rendering rendering, Arguments arguments) => throw Fault();

    public override bool IsEqualTo(TemplateValue other) => other is TemplateUndefined;

    public override int GetValueHashCode() => 0;

    public override void WriteRepr(ReprWriter writer) => writer.Write("Undefined");

    public override void WriteText(Rendering rendering, MarkedTextBuilder output)
    {
    }
}

/// <summary>Compares values as the keys of mappings.</summary>
internal sealed class ValueComparer : IEqualityComparer<TemplateValue>
{
    private ValueComparer()
    {
    }

    public static ValueComparer Instance { get; } = new();

    public bool Equals(TemplateValue? x, TemplateValue? y) => ReferenceEquals(x, y) || (x is not null && y is not null && x.IsEqualTo(y));

    public int GetHashCode(TemplateValue obj) =>
        obj.IsHashable ? obj.GetValueHashCode() : throw new TemplateFault($"unhashable type: '{obj.TypeName}'");
}
