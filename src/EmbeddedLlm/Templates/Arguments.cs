namespace EmbeddedLlm.Templates;

/// <summary>The arguments of a call, by position and by name.</summary>
internal readonly struct Arguments(TemplateValue[] positional, KeyValuePair<string, TemplateValue>[] named)
{
    public static Arguments None { get; } = new([], []);

    public TemplateValue[] Positional => positional;

    public KeyValuePair<string, TemplateValue>[] Named => named;

    public TemplateValue? Find(string name)
    {
        foreach ((string key, TemplateValue value) in named)
        {
            if (key == name)
                return value;
        }

        return null;
    }

    public Arguments Skip(int count) => new(positional[count..], named);

    public void EnsureNoNames(string function)
    {
        if (named.Length > 0)
            throw new TemplateFault($"{function}() takes no keyword arguments");
    }
}
