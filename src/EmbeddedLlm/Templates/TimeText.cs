using System.Globalization;

namespace EmbeddedLlm.Templates;

/// <summary>C's <c>strftime</c> in the C locale, with the flags of glibc.</summary>
internal static class TimeText
{
    public static TemplateString Format(Rendering rendering, TemplateString format, DateTime time)
    {
        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: 32);
        ReadOnlySpan<char> chars = format.AsSpan();
        for (int i = 0; i < chars.Length; i++)
        {
            int start = i;
            char flag = '\0';
            string? text = null;
            if (chars[i] == '%' && i + 1 < chars.Length)
            {
                i++;
                if (chars[i] is '-' or '_' or '0' or '^' && i + 1 < chars.Length)
                    flag = chars[i++];
                text = Convert(chars[i], flag, time);
            }

            if (text is null)
                output.Append(format, start, i + 1 - start);
            else
                output.Append(flag == '^' ? text.ToUpperInvariant() : text, format.KindAt(start));
        }

        return output.ToTemplateString();
    }

    private static string? Convert(char directive, char flag, DateTime time) => directive switch
    {
        'a' => Name("ddd", time),
        'A' => Name("dddd", time),
        'b' or 'h' => Name("MMM", time),
        'B' => Name("MMMM", time),
        'c' => Name("ddd MMM ", time) + Number(time.Day, 2, ' ', '\0') + Name(" HH:mm:ss yyyy", time),
        'C' => Number(time.Year / 100, 2, '0', flag),
        'd' => Number(time.Day, 2, '0', flag),
        'D' or 'x' => Name("MM/dd/yy", time),
        'e' => Number(time.Day, 2, ' ', flag),
        'f' => Number((int)(time.TimeOfDay.Ticks % TimeSpan.TicksPerSecond / 10), 6, '0', '\0'),
        'F' => Name("yyyy-MM-dd", time),
        'g' => Number(ISOWeek.GetYear(time) % 100, 2, '0', flag),
        'G' => Number(ISOWeek.GetYear(time), 4, '0', flag),
        'H' => Number(time.Hour, 2, '0', flag),
        'I' => Number(HourOfTwelve(time), 2, '0', flag),
        'j' => Number(time.DayOfYear, 3, '0', flag),
        'k' => Number(time.Hour, 2, ' ', flag),
        'l' => Number(HourOfTwelve(time), 2, ' ', flag),
        'm' => Number(time.Month, 2, '0', flag),
        'M' => Number(time.Minute, 2, '0', flag),
        'n' => "\n",
        'p' => time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        'r' => Name("hh:mm:ss ", time) + (time.Hour < 12 ? "AM" : "PM"),
        'R' => Name("HH:mm", time),
        'S' => Number(time.Second, 2, '0', flag),
        't' => "\t",
        'T' or 'X' => Name("HH:mm:ss", time),
        'u' => Number(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1, '0', flag),
        'U' => Number((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2, '0', flag),
        'V' => Number(ISOWeek.GetWeekOfYear(time), 2, '0', flag),
        'w' => Number((int)time.DayOfWeek, 1, '0', flag),
        'W' => Number((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7, 2, '0', flag),
        'y' => Number(time.Year % 100, 2, '0', flag),
        'Y' => time.Year.ToString(CultureInfo.InvariantCulture),
        // Hugging Face formats a time without a zone, for which Python prints nothing.
        'z' or 'Z' => "",
        '%' => "%",
        _ => null,
    };

    private static int HourOfTwelve(DateTime time) => (time.Hour + 11) % 12 + 1;

    private static string Name(string format, DateTime time) => time.ToString(format, CultureInfo.InvariantCulture);

    private static string Number(int value, int width, char padding, char flag)
    {
        string digits = value.ToString(CultureInfo.InvariantCulture);
        return flag == '-' ? digits : digits.PadLeft(width, flag == '_' ? ' ' : flag == '0' ? '0' : padding);
    }
}
