namespace EmbeddedLlm.Tests.Templates;

/// <summary>A clock that stands still, in a time zone of its own.</summary>
internal sealed class FixedClock(DateTime localTime) : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone { get; } = TimeZoneInfo.CreateCustomTimeZone("Test", TimeSpan.FromHours(3), "Test", "Test");

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(localTime, TimeSpan.FromHours(3)).ToUniversalTime();
}
