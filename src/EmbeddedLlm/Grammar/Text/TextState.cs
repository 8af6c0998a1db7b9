namespace EmbeddedLlm.Grammars;

/// <summary>
/// A state of a deterministic machine over code points: what <see cref="LexicalState"/> is before a text is spelled in bytes. From every state some text leads to an
/// accepting one. Immutable to its users, made when first asked for, one object for equal states, shared between threads.
/// </summary>
internal abstract class TextState
{
    public abstract bool IsAccepting { get; }

    /// <summary>What was found where the text ends here.</summary>
    public virtual int Label => 0;

    /// <summary>As <see cref="LexicalState.FreeCharacters"/>, where a mark is what ends the text.</summary>
    public virtual int FreeCharacters => 0;

    /// <summary>The spelling of this state, owned by the one <see cref="TextEncoder"/> that its machine is spelled by.</summary>
    internal EncodedStates? Encoded;

    /// <summary>The state after one more character, or null where it is not allowed; and the last code point up to which all lead there.</summary>
    public abstract TextState? Next(int codePoint, out int last);

    /// <summary>As <see cref="LexicalState.Within"/>.</summary>
    public virtual TextState Within(int characters) => this;

    /// <summary>Where the code points of a range, surrogates left out, lead: to one state all of them (<paramref name="common"/>), or at least one to any (true).</summary>
    public bool Probe(int first, int last, out TextState? common)
    {
        common = null;
        bool isAny = false, isCommon = true;
        for (int next = first; next <= last;)
        {
            if (next is >= 0xD800 and <= 0xDFFF)
            {
                next = 0xE000;
                continue;
            }

            TextState? state = Next(next, out int end);
            if (state is null || (isAny && state != common))
                isCommon = false;
            if (state is not null && !isAny)
            {
                isAny = true;
                isCommon &= next == first || first is >= 0xD800 and <= 0xDFFF;
                common = state;
            }

            if (isAny && !isCommon)
                break;
            next = end + 1;
        }

        if (!isCommon)
            common = null;
        return isAny;
    }

    /// <summary>Whether any character can follow.</summary>
    public bool HasNext() => Probe(0, CodePointSet.MaxCodePoint, out _);
}
