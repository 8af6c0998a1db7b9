using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>What a grammar costs and gains: the same model answers freely and held to a grammar, by turns.</summary>
internal static class StructuredOutputSubject
{
    private const double HeldTarget = 0.97;
    private const double ForcedTarget = 1;
    private const int ManyCallers = 8;

    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            EmbeddedModelOptions options = settings.CreateOptions();
            options.MaxSequences = ManyCallers;
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(name, cancellationToken), options, cancellationToken: cancellationToken);
            FigureMaker maker = new("structured-output", settings, name, model.Threads);
            bool isSmall = Subject.IsSmallModel(model);
            foreach ((ConstraintKind kind, int callers) in Cases(settings.IsQuick, isSmall))
            {
                // Of long names, the first 48 tokens and more are forced: a shorter answer would need no decode at all.
                int tokens = isSmall ? 200 : settings.IsQuick && kind != ConstraintKind.LongNamesForced ? 32 : 64;
                ConstraintMeasurement measurement = new(model, kind, callers, tokens);
                PairedResult result = await measurement.RunAsync(settings.Budget, cancellationToken);
                double target = kind.MostIsForced() ? ForcedTarget : HeldTarget;
                foreach (Figure figure in maker.Of(measurement.Name, result, target, yardstick: "EmbeddedLlm, free"))
                {
                    yield return figure.Unit == FigureUnit.Ratio
                        ? figure with { Remark = FormattableString.Invariant($"beside free text; {measurement.ForcedShare:P0} forced") }
                        : figure;
                }
            }
        }
    }

    private static IEnumerable<(ConstraintKind Kind, int Callers)> Cases(bool isQuick, bool isSmall)
    {
        if (isQuick)
            return isSmall ? [(ConstraintKind.Json, 1), (ConstraintKind.Schema, 1), (ConstraintKind.LongNamesForced, 1)] : [(ConstraintKind.Schema, 1), (ConstraintKind.LongNamesForced, 1)];
        return
        [
            .. Enum.GetValues<ConstraintKind>().Select(kind => (kind, 1)),
            (ConstraintKind.Schema, ManyCallers),
            (ConstraintKind.SchemaForced, ManyCallers),
        ];
    }
}
