using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Finds out which formulas have an instance. A recursive schema has one only if the recursion can end, so this is a least fixpoint: nothing counts as inhabited until that
/// is shown, and whoever asked is looked at again when it is.
/// </summary>
internal sealed class Inhabitance(SchemaReader reader, ValueAlgebra algebra, FormulaTable formulas, SchemaBudget budget)
{
    /// <summary>Whether a formula has an instance. What is being read right now counts as inhabited.</summary>
    public bool IsInhabited(Formula formula) => new Search(this).Run(search => search.Ask(formula, null));

    public bool MayHave(ObjectPart part) => new Search(this).Run(search => search.Has(part, null));

    public bool MayHave(ArrayPart part) => new Search(this).Run(search => search.Has(part, null));

    private sealed class Search(Inhabitance owner)
    {
        private readonly Dictionary<Formula, HashSet<Formula>> _askers = [];
        private readonly HashSet<Formula> _inhabited = [];
        private readonly Queue<Formula> _new = new();
        private readonly HashSet<Formula> _again = [];
        private bool _isAssuming;

        public bool Run(Func<Search, bool> question)
        {
            bool isFound = question(this);
            while (!isFound && (_new.Count > 0 || _again.Count > 0))
            {
                while (_new.TryDequeue(out Formula? formula))
                    LookAt(formula);

                // Whoever asked is looked at again when all that can be seen at once has been: once instead of once for each answer.
                Formula[] again = [.. _again];
                _again.Clear();
                foreach (Formula formula in again)
                    LookAt(formula);
                isFound = question(this);
            }

            foreach (Formula formula in _askers.Keys)
            {
                // What rests on an assumption may turn out empty; what is empty in spite of all assumptions is so.
                if (_inhabited.Contains(formula))
                    formula.IsInhabited = _isAssuming ? formula.IsInhabited : true;
                else if (!isFound)
                    formula.IsInhabited = false;
            }

            return isFound;
        }

        /// <summary>Whether a formula is known to have an instance; whoever asks is looked at again when that becomes known.</summary>
        public bool Ask(Formula formula, Formula? asker)
        {
            if (formula == Formula.Any || formula == Formula.None)
                return formula == Formula.Any;
            if (formula.IsInhabited is { } known)
                return known;
            if (_inhabited.Contains(formula))
                return true;
            if (owner.Reader.TryValues(formula) is not { } values)
            {
                _isAssuming = true;
                return true;
            }

            if (values.HasNull || values.HasTrue || values.HasFalse || !values.Numbers.IsEmpty || !values.Strings.IsEmpty)
            {
                formula.IsInhabited = true;
                return true;
            }

            ref HashSet<Formula>? askers = ref CollectionsMarshal.GetValueRefOrAddDefault(_askers, formula, out bool isAsked);
            askers ??= [];
            if (asker is not null)
                askers.Add(asker);
            if (!isAsked)
                _new.Enqueue(formula);
            return false;
        }

        private void LookAt(Formula formula)
        {
            owner.Budget.Spend();
            if (_inhabited.Contains(formula))
                return;
            ValueSet values = owner.Reader.Values(formula);
            if (!values.Arrays.Any(part => Has(part, formula)) && !values.Objects.Any(part => Has(part, formula)))
                return;
            _inhabited.Add(formula);
            _again.UnionWith(_askers[formula]);
        }

        public bool Has(ArrayPart part, Formula? asker)
        {
            if (!part.Contains.IsEmpty)
                return HasCounted(part, asker);
            for (int i = 0; i < Math.Min(part.Min, part.Prefix.Length); i++)
            {
                if (!Ask(part.Prefix[i], asker))
                    return false;
            }

            if (part.Min > part.Prefix.Length && !Ask(part.Rest, asker))
                return false;
            return !part.IsUnique || part.Min <= 1 || !part.Prefix.IsEmpty
                || owner.Reader.TryValues(part.Rest) is not { } values || DistinctValues.Count(values) is not { } count || count >= part.Min;
        }

        public bool Has(ObjectPart part, Formula? asker)
        {
            HashSet<string> needed = new(part.Required, StringComparer.Ordinal);
            for (int before = -1; before != needed.Count;)
            {
                before = needed.Count;
                needed.UnionWith(part.Dependents.Where(pair => needed.Contains(pair.If)).Select(pair => pair.Then));
            }

            if (needed.Count > part.Max || needed.Overlaps(part.Forbidden))
                return false;
            bool hasAll = true;
            foreach (string name in needed)
                hasAll &= Ask(owner.Algebra.Value(part, name), asker);
            return hasAll && HasEnough(part, needed, asker) && part.Exists.All(rule => HasWitness(part, rule, asker));
        }

        private bool HasEnough(ObjectPart part, HashSet<string> needed, Formula? asker)
        {
            if (part.Min <= needed.Count)
                return true;
            HashSet<string> possible = new(needed, StringComparer.Ordinal);
            foreach (string name in ObjectKeys.NamesOf(part))
            {
                if (!needed.Contains(name) && Ask(owner.Algebra.Value(part, name), asker))
                    possible.Add(name);
            }

            while (possible.RemoveWhere(name => part.Dependents.Any(pair => pair.If == name && !possible.Contains(pair.Then))) > 0)
            {
            }

            return possible.Count >= part.Min || HasOther(part, Formula.Any, null, asker);
        }

        private bool HasWitness(ObjectPart part, ExistsRule rule, Formula? asker)
        {
            foreach (string name in ObjectKeys.NamesOf(part))
            {
                if (rule.Keys.Contains(name) && Ask(owner.Formulas.And(owner.Algebra.Value(part, name), rule.Value), asker))
                    return true;
            }

            return HasOther(part, rule.Value, rule.Keys, asker);
        }

        /// <summary>Whether a key that is not named may be there.</summary>
        private bool HasOther(ObjectPart part, Formula value, KeyKind? kind, Formula? asker)
        {
            if (kind is null && part.Rules.All(rules => rules.Patterns.IsEmpty && rules.Keys.IsAny))
                return Ask(owner.Formulas.And([.. part.Rules.Select(rules => rules.Additional)]), asker);
            ObjectKeys keys;
            try
            {
                keys = new ObjectKeys(part, owner.Algebra, owner.Formulas, anySpelling: false);
            }
            catch (PatternNotSupportedException)
            {
                // Refused where the object is built.
                return true;
            }

            for (int label = 0; label < keys.Values.Length; label++)
            {
                if (keys.IsOther(label) && (kind is not { } wanted || keys.IsOfKind(label, wanted)) && Ask(owner.Formulas.And(keys.Values[label], value), asker))
                    return true;
            }

            return false;
        }

        private bool HasCounted(ArrayPart part, Formula? asker)
        {
            if (CountedItems.Create(part, owner.Formulas) is not { } items)
                return true;
            try
            {
                return items.Layout(formula => Ask(formula, asker) ? EmptyNode.Instance : null).IsPossible;
            }
            catch (ArrayTooComplexException)
            {
                // Refused where the array is built.
                return true;
            }
        }
    }

    private SchemaReader Reader => reader;

    private ValueAlgebra Algebra => algebra;

    private FormulaTable Formulas => formulas;

    private SchemaBudget Budget => budget;
}
