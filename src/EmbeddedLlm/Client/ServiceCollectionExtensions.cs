using EmbeddedLlm;
using EmbeddedLlm.Catalog;
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
    /// <remarks>Options that make no sense are an <see cref="ArgumentException"/> when the client is taken from the container, ahead of its first request.</remarks>
    /// <param name="services">The services.</param>
    /// <param name="model">A name in the catalogue or the path of a .gguf file, as for <see cref="EmbeddedModel.LoadAsync"/>.</param>
    /// <param name="configure">Sets how the model is loaded.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddEmbeddedLlm(this IServiceCollection services, string model, Action<EmbeddedModelOptions>? configure = null) =>
        services.AddKeyedEmbeddedLlm(serviceKey: null, model, configure);

    /// <summary>Registers an <see cref="IChatClient"/> under a key, for applications with several models; otherwise as <see cref="AddEmbeddedLlm"/> does.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key, as for <see cref="FromKeyedServicesAttribute"/>; null for none.</param>
    /// <param name="model">A name in the catalogue or the path of a .gguf file, as for <see cref="EmbeddedModel.LoadAsync"/>.</param>
    /// <param name="configure">Sets how the model is loaded.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddKeyedEmbeddedLlm(this IServiceCollection services, object? serviceKey, string model, Action<EmbeddedModelOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        return services.AddKeyedSingleton<IChatClient>(serviceKey, (provider, _) => new LazyChatClient(LoaderOf(provider, model, configure), IdOf(model)));
    }

    /// <summary>
    /// Registers an <see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> from strings to <see cref="Embedding{T}"/> of <see cref="float"/> that loads the model with its first request and frees it
    /// with the container. The container's <see cref="ILoggerFactory"/> gets the log lines unless the options name another.
    /// </summary>
    /// <remarks>The model is the generator's own: one that <see cref="AddEmbeddedLlm"/> registers as well is loaded twice.</remarks>
    /// <param name="services">The services.</param>
    /// <param name="model">A name in the catalogue or the path of a .gguf file, as for <see cref="EmbeddedModel.LoadAsync"/>.</param>
    /// <param name="configure">Sets how the model is loaded.</param>
    /// <param name="options">How texts become vectors.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddEmbeddedLlmEmbeddings(
        this IServiceCollection services, string model, Action<EmbeddedModelOptions>? configure = null, EmbeddingOptions? options = null) =>
        services.AddKeyedEmbeddedLlmEmbeddings(serviceKey: null, model, configure, options);

    /// <summary>Registers an embedding generator under a key, for applications with several models; otherwise as <see cref="AddEmbeddedLlmEmbeddings"/> does.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key, as for <see cref="FromKeyedServicesAttribute"/>; null for none.</param>
    /// <param name="model">A name in the catalogue or the path of a .gguf file, as for <see cref="EmbeddedModel.LoadAsync"/>.</param>
    /// <param name="configure">Sets how the model is loaded.</param>
    /// <param name="options">How texts become vectors.</param>
    /// <returns><paramref name="services"/>.</returns>
    public static IServiceCollection AddKeyedEmbeddedLlmEmbeddings(
        this IServiceCollection services, object? serviceKey, string model, Action<EmbeddedModelOptions>? configure = null, EmbeddingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        options = options?.Copy();
        options?.Validate();
        return services.AddKeyedSingleton<IEmbeddingGenerator<string, Embedding<float>>>(
            serviceKey, (provider, _) => new LazyEmbeddingGenerator(LoaderOf(provider, model, configure), IdOf(model), options));
    }

    private static Func<CancellationToken, Task<EmbeddedModel>> LoaderOf(IServiceProvider provider, string model, Action<EmbeddedModelOptions>? configure)
    {
        EmbeddedModelOptions options = new() { LoggerFactory = provider.GetService<ILoggerFactory>() };
        configure?.Invoke(options);
        options.Validate();
        return cancellationToken => EmbeddedModel.LoadAsync(model, options, progress: null, cancellationToken);
    }

    /// <summary>The id that a model will have, as far as its name tells.</summary>
    private static string? IdOf(string model) =>
        ModelCatalog.Default.Find(model) is var (entry, _) ? entry.Name : model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? Path.GetFileNameWithoutExtension(model) : null;
}
