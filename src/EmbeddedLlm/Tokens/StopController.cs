using System.Buffers;
using System.Text;

namespace EmbeddedLlm.Tokens;

/// <summary>
/// The one door through which text leaves the engine: token bytes go in, whole and valid UTF-8 comes out. Bytes that could still become a stop string or that
/// are the beginning of an unfinished character are held back; a completed stop string and all after it are dropped; bytes that are not UTF-8 come out
/// as U+FFFD. Not thread-safe: it belongs to one sequence.
/// </summary>
/// <remarks>Where several stop strings complete at the same byte, the text is cut before the longest.</remarks>
internal sealed class StopController
{
    private static ReadOnlySpan<byte> ReplacementCharacter => "\uFFFD"u8;

    private readonly StopString[] _stops;
    private byte[] _held = new byte[16];
    private int _heldCount;

    /// <param name="stops">Non-empty stop strings in UTF-8.</param>
    public StopController(ReadOnlySpan<byte[]> stops)
    {
        _stops = stops.IsEmpty ? [] : new StopString[stops.Length];
        for (int i = 0; i < stops.Length; i++)
            _stops[i] = new StopString(stops[i]);
    }

    /// <summary>Whether a stop string has been completed; nothing comes out any more.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>How many of the bytes that went in have come out, as they are or as U+FFFD.</summary>
    public long ReleasedCount { get; private set; }

    /// <summary>Takes the bytes of the next token and writes what is decided by them.</summary>
    /// <returns>Whether a stop string is complete.</returns>
    public bool Push(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        if (IsStopped)
            return true;

        int stopLength = Append(bytes);
        if (stopLength > 0)
        {
            IsStopped = true;
            Release(_heldCount - stopLength, isFinal: true, output);
            _heldCount = 0;
            return true;
        }

        int undecided = 0;
        foreach (ref readonly StopString stop in _stops.AsSpan())
            undecided = Math.Max(undecided, stop.Matched);
        Release(_heldCount - undecided, isFinal: false, output);
        return false;
    }

    /// <summary>Writes what was held back, since no further token comes.</summary>
    public void Flush(IBufferWriter<byte> output)
    {
        Release(_heldCount, isFinal: true, output);
        _heldCount = 0;
    }

    /// <summary>Appends the bytes up to a stop string's end, and returns that string's length, or 0 where none is complete.</summary>
    private int Append(ReadOnlySpan<byte> bytes)
    {
        if (_heldCount + bytes.Length > _held.Length)
            Array.Resize(ref _held, Math.Max(_held.Length * 2, _heldCount + bytes.Length));

        if (_stops.Length == 0)
        {
            bytes.CopyTo(_held.AsSpan(_heldCount));
            _heldCount += bytes.Length;
            return 0;
        }

        foreach (byte next in bytes)
        {
            _held[_heldCount++] = next;
            int longest = 0;
            foreach (ref StopString stop in _stops.AsSpan())
            {
                if (stop.Advance(next))
                    longest = Math.Max(longest, stop.Length);
            }

            if (longest > 0)
                return longest;
        }

        return 0;
    }

    /// <summary>Writes the first <paramref name="count"/> held bytes, less an unfinished character at their end unless no more can come.</summary>
    private void Release(int count, bool isFinal, IBufferWriter<byte> output)
    {
        ReadOnlySpan<byte> source = _held.AsSpan(0, count);
        int position = 0;
        while (position < source.Length)
        {
            int valid = CountValid(source[position..]);
            output.Write(source.Slice(position, valid));
            position += valid;
            if (position == source.Length)
                break;

            OperationStatus status = Rune.DecodeFromUtf8(source[position..], out _, out int consumed);
            if (status == OperationStatus.NeedMoreData && !isFinal)
                break;
            output.Write(ReplacementCharacter);
            position += consumed;
        }

        ReleasedCount += position;
        _held.AsSpan(position.._heldCount).CopyTo(_held);
        _heldCount -= position;
    }

    /// <summary>The length of the longest valid beginning.</summary>
    private static int CountValid(ReadOnlySpan<byte> source)
    {
        int position = Ascii.IsValid(source) ? source.Length : 0;
        while (position < source.Length && Rune.DecodeFromUtf8(source[position..], out _, out int consumed) == OperationStatus.Done)
            position += consumed;
        return position;
    }
}
