using EmbeddedLlm;
using EmbeddedLlm.Client;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers EmbeddedLlm with a dependency injection container.</summary>
public static class EmbeddedLlmServiceCollectionExtensions
{
    /// <summary>
    /// Registers an <see cref="IChatClient"/> that loads the model with its first request and frees it with the container. The container's <see cref="ILoggerFactory"/> gets the log
    /// lines unless the options name another.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="model">A name in the catalogue or the path of a .gguf file, as for <see cref="EmbeddedModel.LoadAsync"/>.</param>
    /// <param name="configure">Sets how the model is loaded.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddEmbeddedLlm(this IServiceCollection services, string model, Action<EmbeddedModelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        return services.AddSingleton<IChatClient>(provider =>
        {
            EmbeddedModelOptions options = new() { LoggerFactory = provider.GetService<ILoggerFactory>() };
            configure?.Invoke(options);
            return new LazyChatClient(cancellationToken => EmbeddedModel.LoadAsync(model, options, progress: null, cancellationToken));
        });
    }
}
