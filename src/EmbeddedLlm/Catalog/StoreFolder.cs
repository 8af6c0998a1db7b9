namespace EmbeddedLlm.Catalog;

/// <summary>Where downloads are kept when nobody says otherwise.</summary>
internal static class StoreFolder
{
    public const string HomeVariable = "EMBEDDEDLLM_HOME";

    public static string Default() => Choose(
        Environment.GetEnvironmentVariable,
        OperatingSystem.IsWindows(),
        OperatingSystem.IsMacOS(),
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify),
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify));

    /// <param name="variable">Gets an environment variable.</param>
    /// <param name="isWindows">Whether the system is Windows.</param>
    /// <param name="isMacOS">Whether it is macOS.</param>
    /// <param name="profile">The user's home folder.</param>
    /// <param name="localData">Windows' folder for data that stays on the machine.</param>
    public static string Choose(Func<string, string?> variable, bool isWindows, bool isMacOS, string profile, string localData)
    {
        if (variable(HomeVariable) is { Length: > 0 } home)
            return Path.GetFullPath(home);
        if (isWindows)
            return Path.Combine(localData, "EmbeddedLlm");
        if (isMacOS)
            return Path.Combine(profile, "Library", "Caches", "embeddedllm");
        // The XDG specification has relative paths ignored.
        string caches = variable("XDG_CACHE_HOME") is { } xdg && xdg.StartsWith('/') ? xdg : Path.Combine(profile, ".cache");
        return Path.Combine(caches, "embeddedllm");
    }
}
