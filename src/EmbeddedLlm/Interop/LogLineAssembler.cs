using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Interop;

/// <summary>Joins the pieces that one native thread logs into whole lines. Not thread-safe.</summary>
/// <param name="deliver">Gets each line with the level of its first piece, without the line end.</param>
internal sealed class LogLineAssembler(Action<ggml_log_level, string> deliver)
{
    /// <summary>Bytes; a longer line is delivered in parts.</summary>
    public const int MaximumLine = 8192;

    private readonly List<byte> _pending = [];
    private ggml_log_level _level = ggml_log_level.NONE;

    public void Append(ggml_log_level level, ReadOnlySpan<byte> piece)
    {
        // A new message ends the one before, whether or not that had a line end; only CONT goes on with it.
        if (level != ggml_log_level.CONT)
        {
            Flush();
            _level = level;
        }

        while (!piece.IsEmpty)
        {
            int end = piece.IndexOf((byte)'\n');
            ReadOnlySpan<byte> part = end < 0 ? piece : piece[..end];
            Add(part);
            if (end < 0)
                return;

            Flush();
            piece = piece[(end + 1)..];
        }
    }

    private void Add(ReadOnlySpan<byte> part)
    {
        while (_pending.Count + part.Length > MaximumLine)
        {
            int room = MaximumLine - _pending.Count;
            _pending.AddRange(part[..room]);
            part = part[room..];
            Flush();
        }

        _pending.AddRange(part);
    }

    private void Flush()
    {
        if (_pending.Count == 0)
            return;

        string line = Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(_pending)).TrimEnd();
        _pending.Clear();
        if (line.Length > 0)
            deliver(_level, line);
    }
}
