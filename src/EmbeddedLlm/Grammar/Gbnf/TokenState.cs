namespace EmbeddedLlm.Grammars;

/// <summary>Waits for a token as a whole; no byte leads on.</summary>
internal sealed class TokenState(TokenReference token) : LexicalState
{
    public override bool IsAccepting => false;

    public override bool CanContinue => true;

    public override TokenReference? Token => token;

    protected override LexicalState? Compute(byte next) => null;
}
