using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Cli;

/// <summary>Options that take a number from a range.</summary>
internal static class Numbers
{
    /// <param name="name">The option's name, with its dashes.</param>
    /// <param name="description">For the help.</param>
    /// <param name="minimum">The least value.</param>
    /// <param name="maximum">The greatest value; none if null.</param>
    /// <param name="isAboveMinimum">Whether the least value itself is excluded.</param>
    public static Option<T?> Option<T>(string name, string description, T minimum, T? maximum = null, bool isAboveMinimum = false)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        string range = (isAboveMinimum ? $"above {Invariant(minimum)}" : $"of at least {Invariant(minimum)}") + (maximum is { } most ? $" and at most {Invariant(most)}" : "");
        string kind = T.IsInteger(T.One / (T.One + T.One)) ? "a whole number" : "a number";
        return new Option<T?>(name)
        {
            Description = description,
            HelpName = "N",
            CustomParser = Parse,
        };

        T? Parse(ArgumentResult result)
        {
            string text = result.Tokens[0].Value;
            if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && T.IsFinite(value)
                && value >= minimum && (value > minimum || !isAboveMinimum) && (maximum is not { } limit || value <= limit))
            {
                return value;
            }

            // Where there is no other limit, the type has one, which only who passes it has to know.
            bool isTooLarge = maximum is null && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= double.CreateChecked(T.MaxValue);
            result.AddError($"{name} takes {kind} {range}{(isTooLarge ? $" and at most {Invariant(T.MaxValue)}" : "")}, not '{text}'.");
            return null;
        }
    }

    private static string Invariant<T>(T value)
        where T : INumber<T> => value.ToString(null, CultureInfo.InvariantCulture);
}
