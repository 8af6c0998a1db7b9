namespace EmbeddedLlm.Templates;

/// <summary>
/// A parsed chat template in the Jinja dialect of Hugging Face transformers: Jinja's immutable sandbox with trimmed
/// block newlines, loop controls, <c>{% generation %}</c>, <c>raise_exception</c>, <c>strftime_now</c> and a
/// <c>tojson</c> that does not escape HTML. Immutable and thread-safe.
/// </summary>
internal sealed class ChatTemplate
{
    private const string ChatMlSource = """
        {%- for message in messages -%}
            {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
            {{- '<|im_start|>assistant\n' -}}
        {%- endif -%}
        """;

    private readonly Body _body;
    private readonly ScopeEntry _entry;
    private readonly int _slots;
    private readonly IReadOnlySet<string> _reads;
    private readonly string _source;
    private readonly TemplateLimits _limits;

    private ChatTemplate(Body body, ScopeEntry entry, int slots, IReadOnlySet<string> reads, string source, string? name, TemplateLimits limits)
    {
        _reads = reads;
        _body = body;
        _entry = entry;
        _slots = slots;
        _source = source;
        _limits = limits;
        Name = name;
    }

    /// <summary>The template of models that bring none: ChatML, as in <c>&lt;|im_start|&gt;user</c>.</summary>
    public static ChatTemplate ChatMl { get; } = Parse(ChatMlSource, name: "ChatML");

    /// <summary>What messages call the template.</summary>
    public string? Name { get; }

    /// <summary>The template's text, its line ends made alike.</summary>
    public string Source => _source;

    /// <param name="source">The template.</param>
    /// <param name="limits">What parsing and rendering may use; <see cref="TemplateLimits.Default"/> if null.</param>
    /// <param name="name">What messages call the template.</param>
    /// <exception cref="ChatTemplateException">The template has a mistake, uses what chat templates cannot, or exceeds a limit.</exception>
    public static ChatTemplate Parse(string source, TemplateLimits? limits = null, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        limits ??= TemplateLimits.Default;
        if (source.Length > limits.SourceLength)
            throw new ChatTemplateException($"the template is longer than {limits.SourceLength} characters", name, "", 0, refused: false, null);

        source = Lexer.Normalize(source);
        try
        {
            Body body = Parser.Parse(source, limits);
            (ScopeEntry entry, int slots, IReadOnlySet<string> reads) = ScopeBinder.Bind(body);
            return new ChatTemplate(body, entry, slots, reads, source, name, limits);
        }
        catch (TemplateSyntaxFault fault)
        {
            throw new ChatTemplateException(fault.Message, name, source, fault.Position, refused: false, fault);
        }
    }

    /// <summary>Whether the template looks at a variable anywhere. One that it never looks at, say <c>tools</c>, changes nothing.</summary>
    public bool Reads(string variable) => _reads.Contains(variable);

    /// <summary>Renders a conversation.</summary>
    /// <param name="variables">What the template calls <c>messages</c>, <c>tools</c>, <c>add_generation_prompt</c>, <c>bos_token</c> and so on.</param>
    /// <param name="clock">What <c>strftime_now</c> reads, in its local time zone; the system's if null.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="ChatTemplateException">The template failed, refused the conversation or exceeded a limit.</exception>
    /// <exception cref="OperationCanceledException">The rendering was stopped.</exception>
    public RenderedPrompt Render(
        IReadOnlyDictionary<string, TemplateValue> variables, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(variables);
        cancellationToken.ThrowIfCancellationRequested();
        using Rendering rendering = new(_limits, variables, clock ?? TimeProvider.System, cancellationToken);
        try
        {
            rendering.EnsureStack();
            Frame frame = new(_slots, null);
            _entry.Enter(rendering, frame);
            _body.Execute(rendering, frame);
            return rendering.Output.ToPrompt();
        }
        catch (TemplateFault fault)
        {
            throw new ChatTemplateException(fault.Message, Name, _source, rendering.Position, fault.IsRefusal, fault);
        }
    }
}
