namespace EmbeddedLlm.Grammars;

internal sealed class StateMasks;

internal sealed class ConfigurationMask;
