using System.Reflection;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>A member or a content that Microsoft.Extensions.AI adds is ignored until somebody decides about it: these tests fail first.</summary>
public sealed class ChatOptionsTableTests
{
    private static readonly string[] s_sections = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm", "Client", "CHAT-OPTIONS.md")).ReplaceLineEndings("\n").Split("\n## ");

    [Fact]
    public void EveryMemberOfChatOptionsIsInTheTable() => Assert.Equal(
        typeof(ChatOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).Order(StringComparer.Ordinal),
        Rows(s_sections[1]).Select(row => row.Name));

    [Fact]
    public void EveryContentIsInTheTable() => Assert.Equal(ContentTypes().Select(type => type.Name).Order(StringComparer.Ordinal), Rows(s_sections[2]).Select(row => row.Name));

    /// <summary>What the table says is refused is refused, in the messages of every role; the rest is taken in those of some role.</summary>
    [Fact]
    public void TheTableSaysWhatIsSo()
    {
        Dictionary<string, string> rows = Rows(s_sections[2]).ToDictionary(row => row.Name, row => row.What);
        ChatRole[] roles = [ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool];
        foreach (Type type in ContentTypes().Where(type => !type.IsAbstract))
        {
            // Whether it is taken depends on its type alone, and not all of them have constructors.
            AIContent content = type == typeof(FunctionCallContent) ? new FunctionCallContent("1", "f") : (AIContent)RuntimeHelpers.GetUninitializedObject(type);
            int taken = roles.Count(role => Record.Exception(() => MessageContent.Of(new ChatMessage(role, [content]), 0)) is not NotSupportedException);
            string what = rows[type.Name];
            bool isRefused = what.StartsWith("refused by name", StringComparison.Ordinal);
            int expected = isRefused ? 0 : !what.Contains("other messages", StringComparison.Ordinal) ? roles.Length : what.Contains("also", StringComparison.Ordinal) ? 2 : 1;
            Assert.True(taken == expected, $"{type.Name}: {what}, and {taken} roles take it");
        }
    }

    private static IEnumerable<Type> ContentTypes() => typeof(AIContent).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(AIContent)));

    private static IEnumerable<(string Name, string What)> Rows(string section) => section.Split('\n')
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .Select(line => line.Split('|', 4))
        .Select(cells => (cells[1].Trim(' ', '`'), cells[2].Trim()));
}
