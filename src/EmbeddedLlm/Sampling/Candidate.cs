using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// A logit and its token as one number, so that the natural order of the numbers is the order of the candidates: the higher logit
/// first, among equals the lower token. No two candidates are equal, so nothing depends on how a sort treats ties.
/// </summary>
internal static class Candidate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Create(float logit, int token)
    {
        // Adding 0 makes -0 a 0. As integers, positive floats rise with their value and negative ones fall.
        int bits = BitConverter.SingleToInt32Bits(logit + 0f);
        uint rising = (uint)(bits ^ ((bits >> 31) | int.MinValue));
        return (ulong)~rising << 32 | (uint)token;
    }

    public static int Token(ulong candidate) => (int)candidate;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Logit(ulong candidate)
    {
        int rising = (int)~(uint)(candidate >> 32);
        return BitConverter.Int32BitsToSingle(rising ^ ((~rising >> 31) | int.MinValue));
    }
}
