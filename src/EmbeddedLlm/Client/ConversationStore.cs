using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>The conversations that are kept, the least recently used of which make room for new ones. Thread-safe.</summary>
/// <param name="capacity">How many are kept.</param>
internal sealed class ConversationStore(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Conversation>> _conversations = [];

    // The most recently used one is last.
    private readonly LinkedList<Conversation> _byUse = new();

    /// <summary>Adds a conversation, and gives its id.</summary>
    public string Create(IEnumerable<ChatMessage> messages)
    {
        Conversation conversation = new(Guid.NewGuid().ToString("N"), Copy(messages));
        lock (_gate)
        {
            Add(conversation);
            return conversation.Id;
        }
    }

    /// <summary>Forgets a conversation; false where there is none of that id.</summary>
    public bool Remove(string id)
    {
        lock (_gate)
        {
            if (!_conversations.Remove(id, out LinkedListNode<Conversation>? node))
                return false;
            _byUse.Remove(node);
            return true;
        }
    }

    /// <summary>Begins a turn of a conversation, which nobody else may use until the turn is disposed.</summary>
    /// <param name="id">The conversation's id; null for a new one, which is kept from the turn's completion on.</param>
    /// <exception cref="ConversationNotFoundException">There is none of that id.</exception>
    /// <exception cref="InvalidOperationException">Another turn of it has begun and not ended.</exception>
    public Turn Begin(string? id)
    {
        if (id is null)
            return new Turn(this, new Conversation(Guid.NewGuid().ToString("N"), []), isNew: true);
        lock (_gate)
        {
            if (!_conversations.TryGetValue(id, out LinkedListNode<Conversation>? node))
                throw new ConversationNotFoundException(id);
            if (node.Value.IsBusy)
                throw new InvalidOperationException($"A request for the conversation '{id}' is being answered: its turns come one after the other.");
            _byUse.Remove(node);
            _byUse.AddLast(node);
            node.Value.IsBusy = true;
            return new Turn(this, node.Value, isNew: false);
        }
    }

    private void Add(Conversation conversation)
    {
        while (_byUse.Count >= capacity)
        {
            _conversations.Remove(_byUse.First!.Value.Id);
            _byUse.RemoveFirst();
        }

        _conversations.Add(conversation.Id, _byUse.AddLast(conversation));
    }

    /// <summary>The messages as they are now: a caller may change the objects later.</summary>
    private static ChatMessage[] Copy(IEnumerable<ChatMessage> messages) => [.. messages.Select(message =>
    {
        ArgumentNullException.ThrowIfNull(message, nameof(messages));
        ChatMessage copy = message.Clone();
        copy.Contents = [.. message.Contents];
        return copy;
    })];

    /// <summary>One request of a conversation. Disposed when it has ended, well or not.</summary>
    internal sealed class Turn(ConversationStore store, Conversation conversation, bool isNew) : IDisposable
    {
        private readonly ChatMessage[] _history = conversation.Messages;

        public string ConversationId => conversation.Id;

        /// <summary>The conversation with the request's messages.</summary>
        public ChatMessage[] With(IEnumerable<ChatMessage> messages) => [.. _history, .. messages];

        /// <summary>Adds what has been said.</summary>
        public void Complete(IEnumerable<ChatMessage> messages, ChatMessage answer)
        {
            ChatMessage[] all = [.. _history, .. Copy(messages), .. Copy([answer])];
            lock (store._gate)
            {
                conversation.Messages = all;
                if (isNew)
                    store.Add(conversation);
            }
        }

        public void Dispose()
        {
            lock (store._gate)
                conversation.IsBusy = false;
        }
    }

    /// <summary>What is kept of a conversation.</summary>
    internal sealed class Conversation(string id, ChatMessage[] messages)
    {
        public string Id => id;

        public ChatMessage[] Messages { get; set; } = messages;

        public bool IsBusy { get; set; }
    }
}
