namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The tokens of slots as radix trees, one for each set of adapters that they were computed with: finds the slots that begin with the same tokens as a prompt, at a cost that depends on the prompt and not
/// on how many slots there are. Engine thread only.
/// </summary>
internal sealed class PrefixIndex
{
    private readonly Dictionary<AdapterSet, Root> _roots = [];
    private readonly Node?[] _ends;

    public PrefixIndex(int slotCount) => _ends = new Node?[slotCount];

    /// <summary>Whether the slot is in the index.</summary>
    public bool Contains(int slot) => _ends[slot] is not null;

    /// <summary>How many tokens a slot was added with.</summary>
    public int LengthOf(int slot) => _ends[slot]?.End ?? 0;

    /// <summary>Adds a slot. The array is kept, and its first tokens must not change while the slot is here.</summary>
    public void Add(int slot, AdapterSet adapters, int[] tokens, int count)
    {
        if (_ends[slot] is not null)
            throw new InvalidOperationException($"Slot {slot} is in the index already.");
        if (!_roots.TryGetValue(adapters, out Root? root))
            _roots.Add(adapters, root = new Root(adapters));
        Node node = root;
        node.Slots.Add(slot);
        while (node.End < count)
        {
            if (!node.Children.TryGetValue(tokens[node.End], out Node? next))
            {
                next = new Node(node, tokens, node.End, count);
                node.Children.Add(tokens[node.End], next);
            }
            else
            {
                int end = next.Start + next.CommonLength(tokens.AsSpan(0, count));
                if (end < next.End)
                    next = next.SplitAt(end);
            }

            next.Slots.Add(slot);
            node = next;
        }

        _ends[slot] = node;
    }

    /// <summary>Takes a slot out; nothing where it is not here.</summary>
    public void Remove(int slot)
    {
        Node? node = _ends[slot];
        _ends[slot] = null;
        while (node is not null)
        {
            node.Slots.Remove(slot);
            Node? parent = node.Parent;
            if (parent is not null && node.Slots.Count == 0)
                parent.Children.Remove(node.Tokens[node.Start]);
            else if (parent is not null)
                MergeWithOnlyChild(node);
            else if (node.Slots.Count == 0)
                _roots.Remove(((Root)node).Adapters);
            node = parent;
        }
    }

    /// <summary>
    /// The slots that have a beginning in common with the tokens, computed with the same adapters, and its length; longest first. A slot may come again with a lesser length. Valid until the index
    /// changes.
    /// </summary>
    public IEnumerable<(int Slot, int Count)> Match(AdapterSet adapters, int[] tokens, int count)
    {
        Node? node = _roots.GetValueOrDefault(adapters);
        if (node is null)
            yield break;
        int common = 0;
        while (common == node.End && common < count && node.Children.TryGetValue(tokens[common], out Node? next))
        {
            common = next.Start + next.CommonLength(tokens.AsSpan(0, count));
            node = next;
        }

        for (; node is not null && common > 0; node = node.Parent, common = node?.End ?? 0)
        {
            foreach (int slot in node.Slots)
                yield return (slot, common);
        }
    }

    /// <summary>Throws where the tree is not what the slots say.</summary>
    public void CheckIntegrity()
    {
        Stack<Node> left = new(_roots.Values);
        while (left.TryPop(out Node? node))
        {
            if (node is not Root && (node.Start >= node.End || node.Start != node.Parent!.End))
                throw new InvalidOperationException($"A node from {node.Start} to {node.End} follows one that ends at {node.Parent!.End}.");
            int below = 0;
            foreach (Node child in node.Children.Values)
                below += child.Slots.Count;
            int here = 0;
            foreach (int slot in node.Slots)
                here += _ends[slot] == node ? 1 : 0;
            if (below + here != node.Slots.Count || node.Slots.Count == 0)
                throw new InvalidOperationException($"{node.Slots.Count} slots pass where {here} end and {below} go on.");
            foreach (Node child in node.Children.Values)
                left.Push(child);
        }
    }

    /// <summary>Undoes a split that no slot needs any more, so that a long-lived slot does not end as a chain of single tokens.</summary>
    private static void MergeWithOnlyChild(Node node)
    {
        if (node.Children.Count != 1)
            return;
        Node child = node.Children.Values.First();
        if (child.Slots.Count != node.Slots.Count)
            return;
        child.Absorb(node);
        node.Parent!.Children[child.Tokens[child.Start]] = child;
    }

    /// <summary>Tokens at the positions from <see cref="Start"/> to <see cref="End"/>, shared by all slots that pass. The array may be any of theirs.</summary>
    private class Node(Node? parent, int[] tokens, int start, int end)
    {
        public Node? Parent { get; private set; } = parent;

        public int[] Tokens { get; } = tokens;

        public int Start { get; private set; } = start;

        public int End { get; } = end;

        public Dictionary<int, Node> Children { get; } = [];

        /// <summary>The slots whose tokens begin with all up to here.</summary>
        public List<int> Slots { get; } = [];

        public int CommonLength(ReadOnlySpan<int> tokens) =>
            Tokens.AsSpan(Start, End - Start).CommonPrefixLength(tokens[Start..]);

        /// <summary>Puts a node between this one and its parent that takes the tokens before a position.</summary>
        public Node SplitAt(int position)
        {
            Node head = new(Parent, Tokens, Start, position);
            head.Slots.AddRange(Slots);
            head.Children.Add(Tokens[position], this);
            Parent!.Children[Tokens[Start]] = head;
            (Parent, Start) = (head, position);
            return head;
        }

        /// <summary>Takes over the tokens of the parent, whose only child this is.</summary>
        public void Absorb(Node parent) => (Parent, Start) = (parent.Parent, parent.Start);
    }

    /// <summary>Where all slots of one set of adapters begin.</summary>
    private sealed class Root(AdapterSet adapters) : Node(null, [], 0, 0)
    {
        public AdapterSet Adapters { get; } = adapters;
    }
}
