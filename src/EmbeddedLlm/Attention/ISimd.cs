namespace EmbeddedLlm.Attention;

/// <summary>The instructions of one width of vectors that attention is computed with. Each is one or a few, and inlined.</summary>
/// <typeparam name="TVector">A vector of single-precision numbers.</typeparam>
internal unsafe interface ISimd<TVector>
    where TVector : struct
{
    /// <summary>The numbers of a vector.</summary>
    static abstract int Width { get; }

    static abstract TVector Load(float* from);

    static abstract void Store(TVector vector, float* to);

    static abstract TVector Create(float value);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    /// <summary><c>a · b + c</c>, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>Either where one is no number.</summary>
    static abstract TVector Max(TVector a, TVector b);

    static abstract TVector Abs(TVector a);

    /// <summary>The magnitudes with the others' signs.</summary>
    static abstract TVector CopySign(TVector magnitude, TVector sign);

    static abstract TVector Round(TVector a);

    /// <summary>2 to the power of whole numbers from -126 to 127.</summary>
    static abstract TVector PowerOfTwo(TVector n);

    /// <summary>0 where something is below a limit, and else the value; also where it is no number.</summary>
    static abstract TVector ZeroWhereLess(TVector something, TVector limit, TVector value);

    /// <summary>A value where two are equal, and else the other.</summary>
    static abstract TVector SelectWhereEqual(TVector a, TVector b, TVector value, TVector other);

    /// <summary>A bit for each number, set where the two are equal.</summary>
    static abstract ulong EqualBits(TVector a, TVector b);

    static abstract float MaxOf(TVector a);

    static abstract float SumOf(TVector a);

    /// <summary>Half-precision numbers, in order, as <see cref="EvenHalves"/> makes them.</summary>
    static abstract TVector LoadHalves(byte* from);

    /// <summary>The first, third, … of half-precision numbers. Infinities and what is no number come out as finite numbers of 65536 and more: look for them with <see cref="MaxHalves"/>.</summary>
    static abstract TVector EvenHalves(TVector halves);

    /// <summary>The second, fourth, …, likewise.</summary>
    static abstract TVector OddHalves(TVector halves);

    /// <summary>The bits of the greatest magnitudes of half-precision numbers, by position.</summary>
    /// <param name="greatest">Those so far.</param>
    /// <param name="halves">More.</param>
    static abstract TVector MaxHalves(TVector greatest, TVector halves);

    /// <summary>Whether one of the magnitudes is infinite or no number.</summary>
    static abstract bool HasSpecial(TVector greatest);

    /// <summary>16 bytes from each of several addresses, as many as a vector holds.</summary>
    static abstract TVector LoadLanes(byte* from, nint stride);

    /// <summary>Four rows of four 32-bit numbers become four columns, in each 16 bytes for themselves.</summary>
    static abstract void Transpose(ref TVector a, ref TVector b, ref TVector c, ref TVector d);

    /// <summary>The numbers at even places and those at odd ones become the first half of all in order, and the second: what undoes <see cref="EvenHalves"/> and <see cref="OddHalves"/>.</summary>
    static abstract void Interleave(ref TVector a, ref TVector b);
}
