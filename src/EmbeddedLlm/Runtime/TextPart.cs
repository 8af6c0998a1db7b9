namespace EmbeddedLlm.Runtime;

/// <summary>A piece of a prompt.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsTemplate">Whether the text comes from the chat template, so that control tokens in it are meant; in a caller's text they are mere characters.</param>
internal readonly record struct TextPart(string Text, bool IsTemplate);
